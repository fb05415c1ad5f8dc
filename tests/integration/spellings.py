"""Ways to write one value, and what they have in common: by Python's Unicode tables."""

import random
import re
import unicodedata

# Every single letter that is a wide, bold, circled, ... form of an ASCII one.
_FORMS = {}
for _point in range(0x80, 0x20000):
    _folded = unicodedata.normalize("NFKC", chr(_point)).casefold()
    if len(_folded) == 1 and _folded.isascii() and _folded.isprintable() and _folded != " ":
        _FORMS.setdefault(_folded, []).append(chr(_point))

# Katakana to half width; a voiced one becomes two characters.
_HALF_WIDTH = {}
for _point in range(0xFF66, 0xFF9E):
    for _mark in ("", "\uff9e", "\uff9f"):
        _kana = unicodedata.normalize("NFKC", chr(_point) + _mark)
        if len(_kana) == 1:
            _HALF_WIDTH.setdefault(_kana, chr(_point) + _mark)

_HYPHENS = "-‐‑–—―−ー－"
_NO_PHONE = re.compile(r"[\s().\-‐‑‒–—―−ー]")


def _wide(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c for c in text)


def _any_form(text):
    """Each character in some form of it; always the same for the same text."""
    dice = random.Random(text)
    return "".join(dice.choice([c, c.upper(), *_FORMS.get(c.casefold(), [])]) for c in text)


def is_no_dot_atom(address):
    """Whether the dots of an address stand where RFC 5322 wants none, as old carriers allowed."""
    local = unicodedata.normalize("NFKC", address).rpartition("@")[0]
    return ".." in local or local.startswith(".") or local.endswith(".")


def _is_cjk(character):
    return unicodedata.name(character, "").startswith(("CJK", "HIRAGANA", "KATAKANA"))


def normal(field, text):
    """What all spellings of a value have in common and no other value has."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    if field == "phone":
        digits = _NO_PHONE.sub("", folded)
        return re.sub(r"^\+810?", "0", digits)
    if field == "name":
        folded = re.sub(r"\s+", " ", folded)
        return "".join(c for i, c in enumerate(folded)
                       if c != " " or not (_is_cjk(folded[i - 1]) and _is_cjk(folded[i + 1])))
    return folded


def _of_phone(text):
    digits, dice = normal("phone", text), random.Random(text)
    split = [digits[:3], digits[3:-4], digits[-4:]]
    local = [" ".join(split), f"({split[0]}){split[1]}-{split[2]}", _wide(f"({split[0]}){split[1]}-{split[2]}"),
             *(hyphen.join(split) for hyphen in _HYPHENS)]
    made = [_wide(digits), dice.choice(local)]
    if re.fullmatch(r"0[1-9]\d{8,9}", digits):
        abroad = [f"+81{digits[1:]}", f"＋８１ {_wide(digits[1:])}", f"+81 (0){digits[1:]}"]
        made.append(dice.choice(abroad))
    return made


def _of_name(text):
    dice = random.Random(text)
    blanks = ["\u3000", "\t", "  "]
    if all(map(_is_cjk, text.replace(" ", ""))):
        blanks.append("")
    return [text.replace(" ", dice.choice(blanks)), f" {unicodedata.normalize('NFD', text)}\u3000",
            _wide(text.upper()), "".join(_HALF_WIDTH.get(c, c) for c in text)]


def of(field, text):
    """The value as given and in other spellings, each once, in the same order each time."""
    if field == "phone":
        made = _of_phone(text)
    elif field == "name":
        made = _of_name(text)
    else:
        made = [f"\u3000{text.upper()} ", _wide(text), _any_form(text)]
    made = list(dict.fromkeys([text, *made]))
    for spelling in made:
        if normal(field, spelling) != normal(field, text):
            raise ValueError("made a spelling that is none of the value")
    return made
