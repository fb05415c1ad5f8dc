#!/usr/bin/env python3
"""Makes readers.csv (UTF-8) and readers.cp932.csv: 500 readers each who do not exist.

Always writes the same bytes. Names are put together from lists, addresses from places that are not
there, e-mail addresses under domains reserved for examples. As in lists that have grown for years,
some phone numbers are in full-width digits, some addresses in upper case, and some e-mail addresses
have dots where the standard allows none, as Japanese carriers once handed out.
"""
import csv
import io
import pathlib
import random

ROWS = 500
COLUMNS = ["ref", "email", "name", "phone", "postal_code", "address", "birth_date",
           "registered_at", "intake_channel"]

SURNAMES = ("青柳 浅井 飯島 池内 石黒 磯部 市川 今泉 岩崎 上原 臼井 江口 大西 岡本 小野寺 片桐 川島 菊地 北原 "
            "木下 久保田 栗原 小池 近藤 坂口 佐久間 篠田 柴崎 島村 杉浦 関口 高畑 滝沢 田辺 津田 寺島 富永 "
            "内藤 中沢 永井 西尾 野口 橋爪 浜田 平井 福島 藤井 堀内 松浦 三宅 村瀬 森川 安田 横田 吉岡 渡瀬 "
            "﨑田 髙梨").split()
GIVEN = ("葵 明 朝美 郁子 一郎 恵理 音羽 和也 圭介 健二 浩一 光希 早苗 志保 俊介 純 進 澄江 大輔 孝之 千夏 "
         "司 徹也 寿子 直樹 典子 遥 久美 広子 文香 誠 真由 美咲 道夫 恵 康平 由香 良太 玲子 若菜").split()
PREFECTURES = "北海道 青森県 秋田県 群馬県 千葉県 長野県 静岡県 三重県 京都府 岡山県 高知県 熊本県".split()
TOWNS = "見本市南町 架空市中央 例示町緑台 想定市港北 仮名村上野 試験市若葉 模擬町桜丘".split()
BUILDINGS = ["", "", "", "メゾン見本 {n}号室", "\"サンプルハイツ\" {n}", "例荘, {n}号"]
DOMAINS = ["example.com", "example.net", "example.org", "mail.example.jp", "example.jp",
           "mobile.example.ne.jp"]
CHANNELS = ["web_tls"] * 7 + ["web_plain", "phone", "email"]
FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")


def email(rng, number):
    local = "".join(rng.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(rng.randint(4, 8)))
    local += f"{number:03d}"
    domain = rng.choice(DOMAINS)
    if domain == "mobile.example.ne.jp" and rng.random() < 0.4:
        # Two dots in a row, or one before the @: not allowed, yet in use.
        local = local[:3] + ".." + local[3:] if rng.random() < 0.5 else local + "."
    address = f"{local}@{domain}"
    return address.upper() if rng.random() < 0.05 else address


def phone(rng):
    prefix, sizes = rng.choice([("090", (4, 4)), ("080", (4, 4)), ("070", (4, 4)),
                                ("03", (4, 4)), ("06", (4, 4)), ("045", (3, 4))])
    # The first digit of the middle part is never 0, so that each is a number somebody could have.
    middle = rng.choice("2345678") + "".join(rng.choice("0123456789") for _ in range(sizes[0] - 1))
    last = "".join(rng.choice("0123456789") for _ in range(sizes[1]))
    text = f"{prefix}-{middle}-{last}"
    if rng.random() < 0.1:
        return text.translate(FULL_WIDTH)
    return text.replace("-", "") if rng.random() < 0.1 else text


def address(rng):
    building = rng.choice(BUILDINGS).format(n=rng.randint(101, 909))
    street = f"{rng.choice(PREFECTURES)}{rng.choice(TOWNS)}{rng.randint(1, 9)}-{rng.randint(1, 40)}"
    return f"{street} {building}".strip()


def reader(rng, number):
    return [
        f"R{number:05d}",
        email(rng, number),
        f"{rng.choice(SURNAMES)} {rng.choice(GIVEN)}",
        phone(rng),
        f"{rng.randint(1, 999):03d}-{rng.randint(1, 9999):04d}",
        address(rng),
        f"{rng.randint(1938, 2008)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        f"{rng.randint(2015, 2025)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        f"T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.000Z",
        rng.choice(CHANNELS),
    ]


def write(name, encoding, numbers):
    rng = random.Random(f"readers {numbers}")
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number in numbers:
        writer.writerow(reader(rng, number))
    folder = pathlib.Path(__file__).resolve().parent
    (folder / name).write_bytes(out.getvalue().encode(encoding))


def main():
    write("readers.csv", "utf-8", range(1, ROWS + 1))
    write("readers.cp932.csv", "cp932", range(ROWS + 1, 2 * ROWS + 1))


if __name__ == "__main__":
    main()
