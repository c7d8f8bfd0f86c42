"""`icon`, `url` and `static` as templates know them, but that they find out once what they give where all
that they are given is written in the template. A page has a hundred of them.
"""

from collections.abc import Callable
from typing import Any

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url
from django.template.library import SimpleNode
from django.templatetags.static import StaticNode

register = template.Library()
Compile = Callable[[Parser, Token], Node]


class Constant(Node):
    """What a node gives, kept; never while one develops, for then files change under it."""

    def __init__(self, node: Node) -> None:
        self.node, self.kept = node, ""

    def render(self, context: Context) -> str:
        if not self.kept or settings.DEBUG:
            self.kept = self.node.render(context)
        return self.kept


def kept_where_constant(compiled: Compile) -> Compile:
    def compile_it(parser: Parser, token: Token) -> Node:
        node = compiled(parser, token)
        return Constant(node) if _is_constant(node) else node

    return compile_it


def _is_constant(node: Any) -> bool:
    if isinstance(node, SimpleNode):
        return not node.target_var and not node.takes_context and _written(*node.args, *node.kwargs.values())
    if isinstance(node, StaticNode):
        return node.varname is None and _written(node.path)
    assert isinstance(node, URLNode)
    return not (node.asvar or node.args or node.kwargs) and _written(node.view_name)


def _written(*values: FilterExpression) -> bool:
    """Whether these stand in the template as texts."""
    return all(isinstance(each.var, str) and not each.filters for each in values)


register.tag("url", kept_where_constant(plain_url))
register.tag("static", kept_where_constant(StaticNode.handle_token))
