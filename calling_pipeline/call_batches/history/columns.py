"""Which column of a file is which: the names that systems give to the columns of a call history or a call log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAMES: Mapping[str, Sequence[str]] = {
    "phone": (
        "phone", "mobile_phone", "mobile", "phone_number", "mobile_number", "telephone", "tel", "callee", "called_number",
        "customer_phone", "手机号", "手机号码", "手机", "电话", "电话号码", "联系电话", "客户电话",
        "客户手机号", "被叫号码", "被叫", "号码",
    ),
    "last_called_at": (
        "last_called_at", "last_called", "last_call_time", "last_call_at", "last_time", "called_at", "call_time", "sent_at",
        "最近外呼时间", "最后外呼时间", "末次外呼时间", "外呼时间", "呼叫时间", "拨打时间",
    ),
    "first_called_at": (
        "first_called_at", "first_called", "first_call_time", "first_time", "首次外呼时间", "首次呼叫时间", "首次拨打时间",
    ),
    "calls": ("calls", "call_count", "call_times", "times", "count", "外呼次数", "呼叫次数", "拨打次数", "次数"),
    "staff_name": ("staff_name", "staff", "employee", "责任员工", "负责人", "员工", "员工姓名"),
    "sys_name": ("sys_name", "system", "sys", "系统", "系统名称", "来源系统"),
    "order_type": ("order_type", "type", "工单类型", "订单类型"),
    "order_nums": ("order_nums", "order_num", "orders", "order_count", "工单数", "订单数", "工单数量", "订单数量"),
    "updated_time": ("updated_time", "updated_at", "update_time", "modified_at", "更新时间", "修改时间"),
}  # fmt: skip
"""Field of a history row → what its column may be called, upper and lower case alike; the first that is there counts."""


def find_columns(header: Sequence[str]) -> dict[str, str]:
    """Field → the header's own name of its column, for the fields that are there."""
    known = {name.strip().lower(): name for name in reversed(header)}
    found = ((field, next((known[name] for name in names if name in known), None)) for field, names in NAMES.items())
    return {field: name for field, name in found if name is not None}
