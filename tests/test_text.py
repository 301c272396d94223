"""Cleaning: what is repaired, what is left out, and what is left alone."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets.text import clean, repair


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        # UTF-8 read as Windows-1252, stored as Mac Roman, read as Latin-1
        ("The river\x89Ûªs over its banks", "The river’s over its banks"),
        ("\x89ÛÏLeave now!\x89Û\x9d they said", "“Leave now!” they said"),
        ("smoke everywhere\x89Û_ stay inside", "smoke everywhere… stay inside"),
        ("\x89Û¢ bridge closed \x89ÛÒ use the ferry", "• bridge closed – use the ferry"),
        ("cafÌ© on fire", "café on fire"),
        # UTF-8 read as Windows-1252
        ("The riverâ€™s over its banks", "The river’s over its banks"),
        ("CafÃ© in SÃ£o Paulo", "Café in São Paulo"),
        ("help ðŸ”¥", "help 🔥"),
        # UTF-8 read as Latin-1
        ("The river\xe2\x80\x99s over its banks", "The river’s over its banks"),
        ("help \xf0\x9f\x94\xa5", "help 🔥"),
    ],
)
def test_mojibake_is_repaired(damaged: str, repaired: str) -> None:
    assert repair(damaged) == repaired


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("wind &amp; rain", "wind & rain"),
        ("2 &lt; 3 &gt; 1", "2 < 3 > 1"),
        ("&#9888;&#x26A0; warning", "⚠⚠ warning"),
        ("caf&eacute;", "café"),
        ("&amp;amp; once only", "&amp; once only"),
        ("R&D, AT&T; & so on", "R&D, AT&T; & so on"),
        ("&#0; &#xD800; &#x110000;", "\ufffd \ufffd \ufffd"),
    ],
)
def test_entities_are_decoded_once(raw: str, decoded: str) -> None:
    assert repair(raw) == decoded


@pytest.mark.parametrize("digit", ["0", "1"])
def test_a_reference_that_is_longer_than_int_reads(digit: str) -> None:
    assert clean(f"fire &#{digit * 5000}; here").startswith("fire ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "#Flood in the VALLEY!!",
        "@somebody see https://example.com/a",
        "São Paulo",
        "naïve café, garçon",
        "ÀÉÎÕÜ ÆØÅ ñandú",
        "Ωμέγα",
        "Землетрясение",
        "日本語 地震",
        "🔥🚒👩‍🚒",
        "“quoted” — it’s €5…",
        "½ × 3° ± 1",
        "\ud800 alone",
    ],
)
def test_sound_text_needs_no_repair(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("see http://example.com/a?b=c#d now", "see now"),
        ("see https://example.com/a", "see"),
        ("HTTPS://EXAMPLE.COM and WWW.EXAMPLE.COM", "and"),
        ("www.example.com", ""),
        ("(https://example.com/a)", ""),
        ("https://example.com/?a=1&amp;b=2 end", "end"),
        ("https://example.com/@somebody", ""),
        ("https:// is no address, nor is www.", "https is no address nor is www"),
        ("ftp is not the web", "ftp is not the web"),
    ],
)
def test_addresses_are_left_out(raw: str, words: str) -> None:
    assert clean(raw).split() == words.split()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("@somebody the dam broke", "the dam broke"),
        ("RT @Some_Body1: the dam broke", "RT the dam broke"),
        (".@somebody,@another", ""),
        ("@日本 hello", "hello"),
        ("write to desk@example.com", "write to desk example com"),
        ("5 @ 10 and @", "5 10 and"),
    ],
)
def test_handles_are_left_out_and_mail_is_not_a_handle(raw: str, words: str) -> None:
    assert clean(raw).split() == words.split()


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("#Flood in the VALLEY!!", " Flood in the VALLEY!!"),
        ("what?! really...", "what?! really   "),
        ("“quoted” — it’s €5…", " quoted    it s  5 "),
        ("snake_case, up-to-date/now", "snake case  up to date now"),
        ("2 < 3 & 1 + 1 = 2", "2   3   1   1   2"),
        ("help 🔥now", "help  now"),
        ("damage: &#163;5m", "damage   5m"),
        ("at 2\ufe0f\u20e3 places", "at 2\ufe0f  places"),  # a keycap is a digit in a ring
    ],
)
def test_marks_become_spaces_and_those_of_speech_stay(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "Fire 2 miles from town!!",
        "São Paulo",
        "ÀÉÎÕÜ ÆØÅ ñandú",
        "cafe\u0301 n\u0303andu\u0301",
        "क्षेत्र में बाढ़",
        "น้ำท่วม",
        "Землетрясение",
        "日本語 地震",
        "½ m³",
        "\ud800 alone",
    ],
)
def test_words_and_digits_are_left_alone(text: str) -> None:
    assert clean(text) == text


# U+1FAC8 is newer than the Unicode tables of any Python that runs this.
EMOJI = ["🔥", "#️⃣", "👩‍🚒", "👍🏽", "⚠️", "🫠", "\U0001fac8", "🇫🇷", "🏴\U000e0067\U000e007f"]
INVISIBLE = re.compile("[\u200d\ufe0f\U000e0020-\U000e007f]")


@pytest.mark.parametrize("emoji", EMOJI)
def test_nothing_that_is_seen_is_left_of_emoji(emoji: str) -> None:
    cleaned = clean(f"fire {emoji} now{emoji}")

    # Joiners and variants of emoji take no room, and the tokenizer drops them.
    assert INVISIBLE.sub("", cleaned).split() == ["fire", "now"]


ANY_TEXT = st.text(st.characters(categories=None)) | st.text(
    st.sampled_from("&#xX;09aflt@ws.:/http\x89Û_\x9dâ€™\ud800\udfff !?")
)


# What decodes to an entity, or to damage, is one afterwards: neither is among these.
@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(["http://", "https://", "www.", "@", ".", " ", "/", "user", "fire"])
        | st.text(st.characters(max_codepoint=0x7F, exclude_characters="&"), max_size=4)
        | st.text(st.characters(min_codepoint=0x370, max_codepoint=0x1FFF), max_size=4)
    )
)
def test_clean_text_stays_as_it_is(parts: list[str]) -> None:
    cleaned = clean("".join(parts))

    assert clean(cleaned) == cleaned


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT)
def test_no_mark_is_left_in_any_text(text: str) -> None:
    categories = {c: unicodedata.category(c) for c in clean(text)}
    marks = {c for c, category in categories.items() if category[0] in "PS" or category == "Me"}

    assert marks <= {"!", "?"}


@settings(deadline=None, max_examples=200)
@given(
    ANY_TEXT, st.sampled_from(["https://example.com/a?b=c#d", "WWW.example.com", "http://x"])
)
def test_an_address_changes_no_word(text: str, address: str) -> None:
    assert clean(f"{text} {address}").split() == clean(text).split()


@settings(deadline=None, max_examples=200)
@given(ANY_TEXT, st.sampled_from(["@somebody", "@Some_Body1", "@日本"]))
def test_a_handle_before_it_changes_no_word(text: str, handle: str) -> None:
    assert clean(f"{handle} {text}").split() == clean(text).split()


@settings(deadline=None, max_examples=200)
@given(ANY_TEXT, st.sampled_from(["🔥", "🚨🚨🚨", "👍🏽", "\U0001fac8", "🇫🇷"]))
def test_an_emoji_changes_no_word(text: str, emoji: str) -> None:
    assert clean(f"{text} {emoji}").split() == clean(text).split()


@settings(deadline=None, max_examples=200)
@given(ANY_TEXT, st.text(" \t\n", min_size=1, max_size=3))
def test_spaces_at_the_end_change_no_word(text: str, spaces: str) -> None:
    assert clean(text + spaces).split() == clean(text).split()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1)), st.data())
def test_a_hashtag_sign_before_a_word_changes_no_word(
    words: list[str], data: st.DataObject
) -> None:
    tagged = [data.draw(st.sampled_from(["", "#"])) + word for word in words]

    assert clean(" ".join(tagged)).split() == clean(" ".join(words)).split()
