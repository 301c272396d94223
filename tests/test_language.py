"""Detection of texts in other languages than the model's."""

from __future__ import annotations

from itertools import chain

import pytest

from disaster_tweets.language import (
    ENGLISH_WORDS,
    FUNCTION_WORDS,
    WORDS_IN_NAMES,
    looks_foreign,
)

EN = ("en",)

FOREIGN = {
    "Spanish": "Se cayó una pared de la escuela pero no hay heridos, gracias a todos",
    "Spanish, shouted": "POR FAVOR AYUDA PARA LOS VECINOS, NO HAY AGUA DESDE AYER",
    "Spanish without accents": "Esta manana temblo muy fuerte aqui y se fue la luz",
    "Portuguese": "O rio subiu muito e a gente não consegue sair de casa",
    "Italian": "Sono crollate due case nella via accanto alla nostra, siamo tutti fuori",
    "Italian with apostrophes": "L'acqua dell'argine è arrivata all'altezza della finestra",
    "French": "Le toit de l'école est tombé mais les enfants sont sortis avec nous",
    "German": "Das Wasser steht schon im Keller und wir haben keinen Strom mehr",
    "Dutch": "De dijk is gebroken en wij zijn met het hele dorp naar boven",
    "Indonesian": "Banjir ini sudah masuk ke rumah kami dan belum ada bantuan untuk warga",
    "Malay": "Hujan lebat dari pagi tadi, jalan ke sekolah tidak boleh lalu dan kami tunggu",
    "Tagalog": "Baha na po dito sa amin, hindi na kami makalabas ng bahay",
    "Taglish": "Grabe ang baha dito sa street namin, wala na kaming exit",
    "Turkish": "Evin duvarı çok kötü çatladı ve bir daha içeri girmedik",
    "Swahili": "Maji ya mto huu yamefika katika nyumba na watu wetu hapa",
    "Haitian Creole": "Nou pa gen dlo nan kay la e moun yo ap tann sou wout la",
    "Swedish": "Vattnet stiger och vi kan inte ta oss från ön efter stormen",
    "Danish": "Der er ikke strøm på hele øen og jeg ved ikke hvor de er",
    "Polish": "Nie ma prądu od rana, już tylko czekamy na pomoc przed szkołą",
    "Czech": "Voda je už ve sklepě a my nebudeme mít elektřinu jako včera",
    "Romanian": "Apa este deja în casă și nu mai avem curent din oraș",
    "Finnish": "Myrsky vei katon ja nyt me olemme niin märkiä että ei naurata",
    "Hungarian": "Az árvíz már az udvaron van, de nem tudjuk hogy mikor jön segítség",
    "Vietnamese": "Nước đã vào nhà và chúng tôi không có điện trong hai ngày",
    "Greek": "Η φωτιά πλησιάζει στο χωριό μας",
    "Russian": "Вода поднялась до окон, нужна лодка",
    "Ukrainian with a link": "Пожежа біля вокзалу, дим видно звідусіль https://t.co/AbCd123456",
    "Arabic": "انهار جسر قرب المدينة ونحتاج إلى مساعدة",
    "Persian": "سیل وارد خانه‌های ما شده است",
    "Hebrew": "השריפה קרובה לבית שלנו",
    "Hindi": "नदी का पानी घर में घुस गया है",
    "Bengali": "নদীর পানি ঘরে ঢুকে গেছে",
    "Tamil": "வெள்ளம் வீட்டிற்குள் வந்துவிட்டது",
    "Thai": "น้ำท่วมถึงชั้นสองแล้ว ช่วยด้วย",
    "Burmese": "ရေကြီးနေလို့ အကူအညီလိုပါတယ်",
    "Amharic": "ጎርፉ ወደ ቤታችን ገብቷል",
    "Japanese": "川の水が家まで来ています、助けてください",
    "Chinese": "河水已经进了屋子，请帮帮我们",
    "Korean": "강물이 집까지 들어왔어요 도와주세요",
    "Arabic, and what is left out": "سيول في الطريق الساحلي #news #breaking @city_news http://t.co/x",
    "Japanese that names something English": "LAX空港で大きな事故があったそうです",
}

NOT_FOREIGN = {
    "nothing": "",
    "spaces": " \n\t ",
    "plain English": "The bridge is closed and nobody knows when it will open again",
    "no function word": "Huge sale starting today, shoes selling fast, customers queueing",
    "slang": "omg no",
    "more slang": "lmaoo bruh im deadass crying rn ion even kno wat 2 say smh",
    "dialect": "dem boys ain't got no chill, da crib on fire n dey still playin da 2k",
    "all caps": "MASSIVE EXPLOSION DOWNTOWN EVERYONE RUN",
    "la la la": "la la la la la la la",
    "na na na": "na na na na hey hey hey goodbye",
    "chant": "ole ole ole ole",
    "hashtags": "#sale #sismo #terremoto #de #la #que #por #para #con #prayfor",
    "handles": "@de @la @que @por @para @con @los @el hello",
    "links": "https://t.co/de https://example.org/la/que/por/para/con",
    "names": "Maria de la Cruz, Juan del Rio, Leonardo da Vinci, Ludwig van Beethoven",
    "more names": "Charles de Gaulle, Robert De Niro, Oscar de la Renta, Benicio del Toro",
    "a place": "Concert San Juan de la Maguana Dominican Republic",
    "places": "Tour dates: Los Angeles, El Reno, Las Cruces, La Mesa, Rio de Janeiro",
    "a place with an accent": "Offices opened: São Paulo, Bogotá, Cancún, Montréal",
    "states": "LA, DE, ME, CO, AL, PA, OR, IN, MA crews responding",
    "a dish": "Arroz con pollo, chili con carne, pico de gallo tonight",
    "a film": "Watching Pan's Labyrinth, Amores Perros, El Topo tonight",
    "a quote": 'My grandma always said "que sera sera" when storms came',
    "a sentence within English": "He said no hay agua para los vecinos and then he left us",
    "switching": "Grabe the rain is so strong here, please keep safe everyone and stay dry",
    "switching to Spanish": "when my abuela said ya no puedo con este calor I felt that",
    "German names": "Angela Merkel, Frank-Walter Steinmeier, Der Spiegel, Die Welt, Das Boot",
    "spelled": "S U N D A Y   F U N D A Y",
    "numbers": "M 4.5 - 12km NNE of Ridgecrest, CA 2019-07-06 04:18:55 UTC",
    "a time zone": "Est. 1994, doors 9 pm EST, Big Sur lodge, Che Guevara tee",
    "the United Nations": "UN summit Geneva, El Salvador delegation walks",
    "emoji": "🔥🔥🔥 😱 ❤️",
    "a face": "(ノಠ益ಠ)ノ彡┻━┻",
    "a face after English": "this flight delay again ¯\\_(ツ)_/¯ ლ(ಠ益ಠლ)",
    "one foreign word": "Ещё",
    "English that explains a word": "emoji (絵文字) literally means picture letter",
    "mathematical letters": "𝓱𝓸𝓾𝓼𝓮 𝓸𝓷 𝓯𝓲𝓻𝓮",
    "small capitals": "ʙʀᴇᴀᴋɪɴɢ ɴᴇᴡs ʜᴏᴜsᴇ ғɪʀᴇ",
    "full width": "ＨＯＵＳＥ ＯＮ ＦＩＲＥ",
    "curly apostrophes": "don’t can’t I’m it’s on fire “help” …",
    "a lone surrogate": "\ud83d fire \ude00",
    "too short": "no hay agua",
}


def by_name(texts: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("text", texts.values(), ids=texts.keys())


@by_name(FOREIGN)
def test_foreign(text: str) -> None:
    assert looks_foreign(text, EN)


@by_name(NOT_FOREIGN)
def test_not_foreign(text: str) -> None:
    assert not looks_foreign(text, EN)


@pytest.mark.parametrize("languages", [[], ["es"], ["en", "es"], ["es", "en"], ["en-US"]])
def test_there_is_no_test_for_other_models(languages: list[str]) -> None:
    assert not any(looks_foreign(text, languages) for text in FOREIGN.values())


def test_what_surrounds_a_text_changes_nothing() -> None:
    for text in FOREIGN.values():
        assert looks_foreign(f"RT @someone: {text} #sale http://t.co/AbCd123456", EN)


class TestLists:
    def test_no_word_stands_for_english_and_for_another_language(self) -> None:
        assert not ENGLISH_WORDS.intersection(chain(*FUNCTION_WORDS))

    def test_words_of_names_are_words_of_a_language(self) -> None:
        assert WORDS_IN_NAMES.issubset(chain(*FUNCTION_WORDS))

    @pytest.mark.parametrize("words", FUNCTION_WORDS, ids=lambda words: min(words))
    def test_each_word_that_no_name_has_counts(self, words: frozenset[str]) -> None:
        first, second, *others = sorted(words - WORDS_IN_NAMES)
        assert len(others) >= 10
        for one, other in ((first, second), *((first, word) for word in others)):
            assert looks_foreign(f"{one} {other} lemon cake xylophone", EN), other
            assert not looks_foreign(f"{other} lemon cake xylophone violin", EN)

    def test_no_latin_letter_is_of_another_script(self) -> None:
        letters = [chr(code) for code in range(0x250) if chr(code).isalpha()]
        assert not [x for x in letters if looks_foreign(x * 20, EN)]
