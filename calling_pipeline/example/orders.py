"""Work orders as they come out of a real system: numbers written in many ways, twice, half, or not at all. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

ORDERS = 300
_FIRST_PHONE = 19_900_000_000
"""Numbers of the example lie from here on."""
_STAFF = ("李晓明", "王芳", "张伟", "刘娜", "陈杰", "杨雪")
_SYSTEMS = ("CRM", "工单系统", "报修平台")
_TYPES = ("漏水维修", "电路检修", "墙面翻新", "家电清洗", "门窗维修")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_SPELLINGS: Sequence[Callable[[str], str]] = (
    lambda phone: f"{phone[:3]} {phone[3:7]} {phone[7:]}",
    lambda phone: f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
    lambda phone: f"+86 {phone}",
    lambda phone: f"0086{phone}",
    lambda phone: phone.translate(_FULL_WIDTH),
    lambda phone: f"手机{phone}",
    lambda phone: f" {phone}\t",
)
_UNUSABLE = (None, "", "无", "0", "1990000", "电话不详", "199000000001234", "-")
_PLAIN, _ODD, _TWICE = 0.62, 0.20, 0.10


class Order(NamedTuple):
    """One row of the customer's table."""

    mobile: str | None
    staff_name: str
    sys_name: str
    order_type: str
    order_nums: int
    city: str


def orders(count: int = ORDERS, *, first: int = 0) -> list[Order]:
    """`count` rows; `first` is how many rows came before, so that later rows have numbers of their own."""
    dice = random.Random(f"work orders {first}")
    return [_order(dice, first + place, first) for place in range(count)]


def phone(number: int) -> str:
    """The mobile of the example's order `number`."""
    return str(_FIRST_PHONE + number)


def do_not_call(count: int = 8) -> list[str]:
    """Numbers of orders whose people asked not to be called."""
    return [phone(7 + 23 * place) for place in range(count)]


def _order(dice: random.Random, number: int, first: int) -> Order:
    kind = dice.random()
    mobile: str | None = phone(number)
    if kind > _PLAIN + _ODD + _TWICE:
        mobile = dice.choice(_UNUSABLE)
    elif kind > _PLAIN + _ODD and number > first:
        mobile = phone(dice.randrange(first, number))
    elif kind > _PLAIN:
        mobile = dice.choice(_SPELLINGS)(phone(number))
    city = dice.choice(("北京", "上海", "杭州", "成都"))
    return Order(mobile, dice.choice(_STAFF), dice.choice(_SYSTEMS), dice.choice(_TYPES), dice.randint(1, 4), city)
