"""Cleaning: what is repaired and replaced, and what is left alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disaster_tweets.text import clean


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
    assert clean(damaged) == repaired


@pytest.mark.parametrize(
    ("raw", "cleaned"),
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
def test_entities_are_decoded_once(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize("digit", ["0", "1"])
def test_a_reference_that_is_longer_than_int_reads(digit: str) -> None:
    assert clean(f"fire &#{digit * 5000}; here").startswith("fire ")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("see http://example.com/a?b=c#d now", "see http now"),
        ("see https://example.com/a", "see http"),
        ("HTTPS://EXAMPLE.COM and WWW.EXAMPLE.COM", "http and http"),
        ("www.example.com", "http"),
        ("(https://example.com/a)", "(http"),
        ("https://example.com/?a=1&amp;b=2 end", "http end"),
        ("https://example.com/@somebody", "http"),
        ("https:// is no address, nor is www.", "https:// is no address, nor is www."),
        ("ftp is not the web", "ftp is not the web"),
    ],
)
def test_addresses_are_replaced(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("@somebody the dam broke", "@user the dam broke"),
        ("RT @Some_Body1: the dam broke", "RT @user: the dam broke"),
        (".@somebody,@another", ".@user,@user"),
        ("@日本 hello", "@user hello"),
        ("write to desk@example.com", "write to desk@example.com"),
        ("5 @ 10 and @", "5 @ 10 and @"),
    ],
)
def test_handles_are_replaced_and_mail_is_not_a_handle(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "#Flood in the VALLEY!!",
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
def test_sound_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


# Neither Latin-1 nor Windows-1252 has these letters, so no damage can look like them.
@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(min_codepoint=0x370, max_codepoint=0x1FFF)))
def test_other_scripts_are_left_alone(text: str) -> None:
    assert clean(text) == text


# "&" aside: what decodes to an entity is one afterwards.
@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(["http://", "https://", "www.", "@", ".", " ", "/", "user", "fire"])
        | st.text(st.characters(max_codepoint=0x7F, exclude_characters="&"), max_size=4)
    )
)
def test_clean_text_stays_as_it_is(parts: list[str]) -> None:
    cleaned = clean("".join(parts))

    assert clean(cleaned) == cleaned


@settings(deadline=None, max_examples=300)
@given(
    st.text(st.characters(categories=None))
    | st.text(st.characters(max_codepoint=0xFF))
    | st.text(st.sampled_from("&#xX;09aflt@ws.:/http\x89Û_\x9dâ€™\ud800\udfff"))
)
def test_no_address_and_no_name_is_left_in_any_text(text: str) -> None:
    cleaned = clean(text)

    assert not re.search(r"(https?://|www\.)\S", cleaned, re.IGNORECASE)
    assert not re.search(r"(?<!\w)@(?!user(?!\w))\w", cleaned)
