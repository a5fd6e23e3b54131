"""Forms of sign-in and account."""

from functools import lru_cache
from typing import ClassVar

from markupsafe import Markup
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields import Choice, SelectChoice  # type: ignore[attr-defined] # the stubs are of WTForms 3.2
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import Select

from app.services.accounts import time_zones
from app.services.errors import EmailTaken, ServiceError, WrongPassword
from app.services.passwords import MIN_LENGTH
from app.web.forms import Form

_EMAIL_KW = {"autocomplete": "username", "maxlength": 320, "autocapitalize": "none", "spellcheck": "false"}
_CURRENT_KW = {"autocomplete": "current-password", "maxlength": 1024}
_NEW_KW = {"autocomplete": "new-password", "maxlength": 1024}
_NEW_HINT = f"At least {MIN_LENGTH} characters; a few random words work well."


class LoginForm(Form):
    sent_to = "auth.login"

    email = EmailField("E-mail address", [DataRequired("Enter your e-mail address.")], render_kw=_EMAIL_KW)
    password = PasswordField("Password", [InputRequired("Enter your password.")], render_kw=_CURRENT_KW)
    next = HiddenField()
    #: What was typed into another form before, sealed by `app.auth.unsent`.
    unsent = HiddenField()


class RegistrationForm(Form):
    about: ClassVar[dict[type[ServiceError], str]] = {EmailTaken: "email"}
    sent_to = "auth.register"

    name = StringField(
        "Name (optional)", render_kw={"autocomplete": "name", "maxlength": 100}, description="What we call you here."
    )
    email = EmailField("E-mail address", [DataRequired("Enter your e-mail address.")], render_kw=_EMAIL_KW)
    password = PasswordField(
        "Password", [InputRequired("Choose a password.")], description=_NEW_HINT, render_kw=_NEW_KW
    )
    #: Filled in by the browser where it can.
    timezone = HiddenField(render_kw={"data-timezone": ""})
    next = HiddenField()


class _RememberedOptions(Select):
    """A list of hundreds of choices: to write each anew took as long as the rest of the account page."""

    @classmethod
    def render_option(cls, choice: Choice) -> Markup:  # type: ignore[override] # the stubs are of WTForms 3.2
        return _option(choice.value, choice.label, choice.selected)


@lru_cache(maxsize=2048)
def _option(value: str, label: str, selected: bool) -> Markup:
    return Markup('<option{} value="{}">{}</option>').format(" selected" if selected else "", value, label)


@lru_cache
def _zones(current: str = "UTC") -> list[SelectChoice]:
    listed = {name for name in time_zones() if "/" in name and not name.startswith("Etc/")}
    choices = [SelectChoice("UTC")]
    for name in sorted(listed | {current} - {"UTC"}):
        region, _, place = name.partition("/")
        choices.append(SelectChoice(name, (place or region).replace("_", " "), optgroup=region))
    return choices


class ProfileForm(Form):
    sent_to = "account.update"

    name = StringField("Name", render_kw={"autocomplete": "name", "maxlength": 100})
    timezone = SelectField(
        "Time zone",
        choices=_zones,
        widget=_RememberedOptions(),
        validate_choice=False,
        description="Decides what “today” and “overdue” mean for your tasks.",
    )
    theme = RadioField(
        "Theme",
        validate_choice=False,
        choices=[
            SelectChoice("system", "System"),
            SelectChoice("light", "Light"),
            SelectChoice("dark", "Dark"),
        ],
    )

    def offer(self, current: str) -> None:
        """Fill the list of time zones, the current one among them, by region."""
        self.timezone.choices = _zones(current)


class PasswordForm(Form):
    about: ClassVar[dict[type[ServiceError], str]] = {WrongPassword: "current_password"}

    current_password = PasswordField(
        "Current password", [InputRequired("Enter your current password.")], render_kw=_CURRENT_KW
    )
    new_password = PasswordField(
        "New password", [InputRequired("Choose a new password.")], description=_NEW_HINT, render_kw=_NEW_KW
    )


class EmailForm(Form):
    about: ClassVar[dict[type[ServiceError], str]] = {EmailTaken: "email"}
    sent_to = "account.change_email"

    email = EmailField("New e-mail address", [DataRequired("Enter an e-mail address.")], render_kw=_EMAIL_KW)


class ConfirmationForm(Form):
    about: ClassVar[dict[type[ServiceError], str]] = {WrongPassword: "password"}

    password = PasswordField("Password", [InputRequired("Enter your password.")], render_kw=_CURRENT_KW)
    next = HiddenField()


class DeletionForm(Form):
    about: ClassVar[dict[type[ServiceError], str]] = {WrongPassword: "password"}

    password = PasswordField(
        "Your password", [InputRequired("Enter your password to confirm that it is you.")], render_kw=_CURRENT_KW
    )
    confirm = BooleanField(
        "Delete my account and everything in it, for good",
        [InputRequired("Tick the box to confirm that everything is to be deleted.")],
    )
