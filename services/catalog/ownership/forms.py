"""What people fill in to hand something over."""

from django import forms

from portal.shell.forms import Form
from services.catalog.descriptors.refs import BadReference, parse_ref


class HandoverForm(Form):
    """`to` is a team's name or a whole reference; `to_ref` holds the reference once it is valid."""

    to = forms.CharField(
        label="Whose is it?",
        max_length=220,
        widget=forms.TextInput(attrs={"list": "takers", "autocomplete": "off", "placeholder": "payments"}),
    )
    reason = forms.CharField(
        label="Why?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "They have run it since the summer."}),
    )
    to_ref = ""

    def clean_to(self) -> str:
        said = str(self.cleaned_data["to"]).strip()
        try:
            self.to_ref = str(parse_ref(said, default_kind="group"))
        except BadReference as error:
            raise forms.ValidationError(f"{said} names nobody: {error}") from error
        return said
