"""What the page of notices posts."""

from django import forms

from portal.shell.forms import Form, Plain
from services.notices.models import Wish

LARGEST = 2**63 - 1


class WishForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    class Meta:
        model = Wish
        fields = ["mail"]
        labels = {"mail": "By mail as well"}


class ReadForm(Form):
    """Up to which notice all are read."""

    until = forms.IntegerField(min_value=0, max_value=LARGEST)
