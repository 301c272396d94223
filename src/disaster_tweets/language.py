"""Detect texts that look like another language than the model's.

This is a rough test for counting texts in a long run. It is too weak to judge a single text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from disaster_tweets.text import HANDLE, URL, repair

_BEGINNING = 300  # characters that are examined
_FEWEST_LETTERS = 5  # of another script; fewer may be a face such as (ノಠ益ಠ)
_FEWEST_WORDS = 5  # different words
_ENOUGH_ENGLISH = 2  # different function words
_ENOUGH_POINTS = 4  # two for a function word of another language, one for a word in names

# Blocks of letters that English does not use. Python's own tables depend on its version.
# Phonetic letters (U+1D00) and mathematical letters are left out, because people decorate
# English with them.
_OTHER_SCRIPT = (
    # Greek, Cyrillic, Hebrew, Arabic, the scripts of India, Thai, Ethiopic, and so on; without
    # a letter of Kannada (U+0CA0) that is the eye in many faces
    "\u0370-\u0c9f\u0ca1-\u1cff"
    "\u3040-\u318f\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7ff\uf900-\ufaff"  # East Asia
    "\ufb1d-\ufdff\ufe70-\ufefc\uff66-\uffdc\U00020000-\U0003ffff"
)
_OTHER_LETTERS = re.compile(f"[{_OTHER_SCRIPT}]{{2,}}")  # a single letter is mostly a symbol
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_WORD = re.compile("[a-z\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff]+")
_ADDRESS = re.compile(rf"{URL.pattern}|{HANDLE.pattern}|[#＃]\w+", re.IGNORECASE)

# Words that are frequent in English and rare in the languages below.
ENGLISH_WORDS = frozenset(
    """
    the and of to is you that it for with this are my your they have has from what just but not
    were been us all by at his their can if when who how about after i'm it's don't can't i've
    our there these those would could should than then them into only out up get got some which
    she he's you're that's didn't isn't we're they're i'll ain't won't because being did does
    doing going its most now other where why while against before down off too very people like
    near here will more be never
    """.split()
)

# Words of the languages below that also occur in names and in English slang. Each counts one
# point instead of two, and nothing alone: "San Juan de la Maguana", "Che Guevara", "Big Sur".
WORDS_IN_NAMES = frozenset(
    """
    al ama au ba ben c ca chi com da dan das dat de del della dem den der des di din dos du e el
    era es est et eu hay l la lah lan las le les li lo los ma mag mit mo na nada o og om os pa
    par pe po pou sa sana sen ser son sur ter um van ve vi von wa wat y ya yo za
    """.split()
)

# Frequent words by language, except those that are frequent in English too.
FUNCTION_WORDS = tuple(
    frozenset(words.split())
    for words in (
        # Spanish
        """de la el los las del que y en un una unos por para con se su es al lo como más mas
        pero sus le o este esta estos estas sí si porque entre cuando muy sobre también tambien
        hasta hay donde dónde desde todo toda todos todas nos ante eso había ellos ellas esto
        fue está están estan han tras según hoy ayer ahora así tu te qué aquí aqui ahí estamos
        nuestro nuestra nuestros quien quién alguien nada cada otro otra otros dos tres ser son
        sido hace hacer puede pueden tiene tienen hemos estoy tengo va van vamos ya cual cómo
        mi mis les eres era antes después menos mejor gente gracias""",
        # Portuguese
        """de que e o os da em um uma para é com não nao na por mais dos das nos nas mas foi ao
        aos à às ele ela eles elas tem têm seu sua seus suas ou quando muito muita já está eu
        também tambem só pelo pela pelos até isso isto entre depois sem mesmo meu minha você
        voce vocês num pra hoje ontem agora onde quem todos todas toda essa esse essas esses
        esta este ser são sao ter vai vou gente fica ainda após sobre nossa nosso deus tá pois
        cada nada mim se te""",
        # Italian
        """di e il la che un una uno è del dell dello della dei delle degli da con le gli al
        alla alle allo sono più piu anche dal dall dalla dai nel nell nella nelle nei questo
        questa questi quello ci si se ho hai hanno abbiamo l su sul sull sulla sulle sui tutti
        tutta tutto tutte perché perche stato stata stati dopo oggi ieri adesso sempre fatto
        chi lo ora tra fra per non ma mi ti vi cosa senza qui qua così quando dove noi loro suo
        sua nostro nostra essere ancora già molto siamo siete gente grazie""",
        # French
        """de la le les des et en un du que une est pas pour qui dans par au ne se ce il sont
        avec c l qu aux cette ont mais comme ou nous vous être fait leur leurs ces je elle été
        même aussi sans tout tous après très ça deux où moi toi sur ils elles mes tes ses notre
        votre plusieurs entre chez contre quand depuis""",
        # German
        """der das und den von zu mit sich auf für ist dem nicht ein eine als auch es aus dass
        sie nach wird bei einer sind noch wie einem einen eines zum haben habe nur oder aber
        vor zur bis mehr durch wir ich wenn kann gegen schon des werden wurde über unter mir
        mich dich uns euch alle alles immer jetzt heute""",
        # Dutch
        """de het een van en te zijn voor niet aan er ook maar bij nog uit naar heeft hij wordt
        je deze worden geen hebben mijn moet waar zij wat dat op dan als nu wel jij ons""",
        # Indonesian and Malay
        """yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke karena bisa
        oleh kami kita aku kamu sudah telah atau seperti lagi banyak yg dgn utk orang apa kalau
        jangan semua lebih masih belum mereka ada adalah anda tak kat lah""",
        # Tagalog
        """ang ng mga sa na ko ako ka po hindi lang naman ay si yung pero ito kung nga natin
        dito para nila siya tayo kami niya mo rin din pa wala kasi sana lahat ngayon nang ba
        kayo ninyo namin amin atin iyo mag yan yun ni nag""",
        # Turkish
        """ve bir bu için icin çok cok da de ile gibi değil ne var daha olarak kadar olan sonra
        diye ya şu hiç bunu biz mı ama en ben sen""",
        # Swahili
        """ya wa na kwa ni katika hii yake kutoka lakini watu sana baada kama hiyo yao wetu wao
        hapa pia zaidi ambao cha za la yangu huu""",
        # Haitian Creole
        """nan ki pou ak mwen li pa sou nou ap gen yon ou se tout anpil moun fè lan ka la pral
        yo te""",
        # Swedish
        """och att det som en är på av för inte den med jag har ett om vi så kan när nu ska
        efter eller vid från mot blev där""",
        # Danish and Norwegian
        """og det den er som på de med av ikke der var et har jeg vi om når så kan fra efter
        etter blev skal være også en""",
        # Polish
        """się sie nie na że jest jak ale po za od przez dla czy już tylko są tego jego może
        był przed bez gdzie tym""",
        # Czech
        """se na že je si ale jak ve tak už jsem nebo po jsou za od jako při má není bylo""",
        # Romanian
        """și si de la în nu o cu pe este din mai că ca sunt pentru care au fost dar ce după
        sau prin""",
        # Finnish
        """ja ei että se oli ovat mutta kun niin myös joka ole mitä hän nyt jos tai kuin
        vain""",
        # Hungarian
        """az és hogy nem egy de ha van csak már meg ez mint még volt ki azt fel""",
        # Vietnamese
        """và của là có không được cho một trong người những này các với đã khi đang ở tôi cũng
        để ra từ""",
    )
)
_ANY_FUNCTION_WORD = frozenset().union(*FUNCTION_WORDS)


def looks_foreign(text: str, languages: Sequence[str]) -> bool:
    """Say whether a text looks like another language than the model's.

    There are two kinds of evidence: most letters are of a script that English does not use,
    or the text has several function words of one other language and hardly any of English.
    URLs, @handles and hashtags are ignored.

    Args:
        text: Any Unicode text.
        languages: The language codes of the model, as in its manifest. The test exists only
            for ``["en"]``.

    Returns:
        False also in doubt: if the text is too short, or has only names.
    """
    if len(languages) != 1 or languages[0] != "en":
        return False
    text = text[:_BEGINNING]
    if text.isascii() or not _OTHER_LETTERS.search(text):
        # Almost all English texts end here, before any slower step.
        words = text.lower().split()
        if len(ENGLISH_WORDS.intersection(words)) >= _ENOUGH_ENGLISH:
            return False
        if _ANY_FUNCTION_WORD.isdisjoint(words):
            return False
    bare = _ADDRESS.sub(" ", repair(text))
    return _is_of_other_script(bare) or _has_other_function_words(bare)


def _is_of_other_script(text: str) -> bool:
    if text.isascii():
        return False
    others = sum(map(len, _OTHER_LETTERS.findall(text)))
    return others >= _FEWEST_LETTERS and others > len(_LATIN_LETTER.findall(text))


def _has_other_function_words(text: str) -> bool:
    text = text.lower().replace("’", "'")
    words = set(_WORD.findall(text))
    found = words & _ANY_FUNCTION_WORD
    if len(words) < _FEWEST_WORDS or len(found) < 2:
        return False
    english = len(ENGLISH_WORDS & words.union(text.split()))  # split() keeps "don't" whole
    if english >= _ENOUGH_ENGLISH:
        return False
    # An accent is weak evidence, because names have accents too.
    accented = any(not word.isascii() for word in words)
    needed = _ENOUGH_POINTS + 2 * english - accented
    return any(_points(found & language) >= needed for language in FUNCTION_WORDS)


def _points(found: set[str]) -> int:
    in_names = len(found & WORDS_IN_NAMES)
    return 2 * len(found) - in_names if in_names < len(found) else 0
