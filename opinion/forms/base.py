"""What all forms share: the case and the person, and errors that name the field and the fix."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef
from django.utils import timezone

from opinion.codes import choices
from opinion.roles import HELPING
from workflows.chain import text_digest
from workflows.models import Case, Membership, Unit, User
from workflows.models.unit import ancestor_ids, subtree_ids
from workflows.worded import WordedForm

if TYPE_CHECKING:
    from opinion.screening.finding import Finding

TEXT_MAX = 5000
LINE_MAX = 200
# Working calendars are tabulated from 2000 to 2046; messages may be older, moments outside these years are slips.
EARLIEST, LATEST = date(1990, 1, 1), date(2046, 12, 31)
DATETIME_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]


class PlainForm(WordedForm):
    """What a person fills in. `by` fills it in, `at` is the present."""

    required_css_class = "required"

    def __init__(self, data: Any = None, *, by: User, at: datetime | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.by, self.at = by, at
        self.prepare()

    def prepare(self) -> None:
        """Fill in what depends on the case, the person or the code lists."""

    def offer(self, name: str, options: Collection[tuple[Any, str]], *, empty: str = "请选择") -> None:
        """Set the choices of a field; a single choice starts with an empty entry."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        many = isinstance(field, forms.MultipleChoiceField)
        field.choices = list(options) if many else [("", empty), *options]


@dataclass(frozen=True)
class Button:
    """Another way to send a form. move: the transition it goes to instead; otherwise `name` comes with it."""

    label: str
    name: str = ""
    move: str = ""


class MoveForm(PlainForm):
    """The form of a move of a case. buttons: beside its own. beside: a template of what to look at while filling it in.

    decides: on the case as it stands, so that the page says how it came to stand there (see `opinion.deciding`) although
    the move leaves it in its state. otherwise: moves by which the same is decided another way.
    """

    buttons: ClassVar[Sequence[Button]] = ()
    # Fields filled in with words somebody else wrote, to be agreed to: never sent on where those have changed meanwhile.
    agreed_to: ClassVar[Sequence[str]] = ()
    beside: ClassVar[str] = ""
    decides: ClassVar[bool] = False
    otherwise: ClassVar[Sequence[str]] = ()
    remarks_title: ClassVar[str] = "文中可能透露个人身份，请核对"

    def __init__(
        self, data: Any = None, *, case: Case, by: User, at: datetime | None = None, **options: Any
    ) -> None:
        self.case = case
        super().__init__(data, by=by, at=at, **options)

    @property
    def offered_buttons(self) -> Sequence[Button]:
        return self.buttons

    @property
    def remarks(self) -> Sequence[object]:
        """What to know about the text as it stands; each says itself."""
        return ()

    @property
    def to_tell(self) -> Sequence[Finding]:
        """What is remarked that its writer is to have read once before the text goes on (see `opinion.telling`)."""
        return ()

    @property
    def wording(self) -> str:
        """Of the words this form was opened with, to be agreed to; tells them from others."""
        said = [str(self.initial.get(name, "")) for name in self.agreed_to]
        return text_digest("\n".join(said)) if said else ""

    def again(self) -> MoveForm | None:
        """The form to show anew, where another of its buttons asked for no more than that; None to go on."""
        return None

    def facts(self) -> dict[str, Any] | None:
        """The case's facts as this form, found valid, would leave them; None where it does not touch them.

        Where clocks would move by it, the page shows how and asks once more.
        """
        return None

    def clean_happened_at(self) -> datetime:
        """Neither in the future nor before the case began: its registration, or when what it is about was found."""
        happened_at: datetime = self.cleaned_data["happened_at"]
        if self.at is not None and happened_at > self.at:
            raise forms.ValidationError("“时间”晚于现在，请填写实际发生的时间")
        if happened_at < self.case.began_at.replace(second=0, microsecond=0):
            began = timezone.localtime(self.case.began_at)
            what = "发现" if self.case.counts_from else "登记"
            raise forms.ValidationError(f"“时间”早于{what}（{began:%Y-%m-%d %H:%M}），请核对")
        return happened_at


class RemarkForm(MoveForm):
    """A move that needs no more than an optional word."""

    remark = forms.CharField(
        label="说明", max_length=TEXT_MAX, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


def prose(
    label: str, *, help_text: str = "", required: bool = True, rows: int = 5, most: int = TEXT_MAX
) -> forms.CharField:
    """A field for free text."""
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(
        label=label, max_length=most, help_text=help_text, required=required, widget=widget
    )


def line(label: str, *, help_text: str = "", required: bool = False, most: int = LINE_MAX) -> forms.CharField:
    """A field for one line."""
    return forms.CharField(label=label, max_length=most, help_text=help_text, required=required)


def moment(label: str, *, help_text: str = "", required: bool = True) -> forms.DateTimeField:
    """A field for a local date and time; cleaned, it is aware."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=DATETIME_FORMATS[0])
    return forms.DateTimeField(
        label=label, help_text=help_text, required=required, widget=widget, input_formats=DATETIME_FORMATS,
        validators=[
            MinValueValidator(datetime.combine(EARLIEST, time(), UTC), f"“{label}”早于 {EARLIEST:%Y} 年，请核对"),
            MaxValueValidator(datetime.combine(LATEST, time(), UTC), f"“{label}”晚于 {LATEST:%Y} 年，请核对"),
        ],
    )  # fmt: skip


def day(label: str, *, help_text: str = "", required: bool = False) -> forms.DateField:
    """A field for a date in the range that working calendars know."""
    return forms.DateField(
        label=label, help_text=help_text, required=required, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[
            MinValueValidator(EARLIEST, f"“{label}”早于 {EARLIEST:%Y} 年，请核对"),
            MaxValueValidator(LATEST, f"“{label}”晚于 {LATEST:%Y} 年，请核对"),
        ],
    )  # fmt: skip


def code(label: str, *, help_text: str = "", required: bool = True) -> forms.ChoiceField:
    """A field for one entry of a code list; `prepare` offers the entries."""
    return forms.ChoiceField(label=label, help_text=help_text, required=required)


def one_unit(label: str, *, help_text: str = "", required: bool = True) -> forms.TypedChoiceField:
    """A field for a unit; cleaned, it is an id or None."""
    return forms.TypedChoiceField(
        label=label, help_text=help_text, required=required, coerce=int, empty_value=None
    )


def many_units(label: str, *, help_text: str = "") -> forms.TypedMultipleChoiceField:
    """A field for any number of units; cleaned, it is a list of ids."""
    return forms.TypedMultipleChoiceField(
        label=label, help_text=help_text, required=False, coerce=int, empty_value=[]
    )


def handling_units(
    desk: Unit, *, at: datetime | None, without: Collection[int] = ()
) -> list[tuple[int, str]]:
    """Units a desk may have handle a case: those of its own office and below; no desk, no superior.

    at: of these, in service then and with somebody who could take the case up; None: all that ever were.
    """
    reach = subtree_ids([desk.parent_id or desk.pk]) - ancestor_ids([desk.pk]) - set(without)
    units = Unit.objects.filter(pk__in=reach)
    if at is not None:
        today = timezone.localtime(at).date()
        units = units.exclude(valid_until__lt=today).exclude(valid_from__gt=today)
        staff = Membership.objects.filter(unit=OuterRef("pk"), role__in=HELPING, user__is_active=True)
        units = units.filter(Exists(staff))
    return list(units.values_list("pk", "name"))


def offer_codes(form: PlainForm, name: str, list_name: str, *only: str) -> None:
    """Offer a code list in a field; a field that may stay empty says so."""
    form.offer(name, choices(list_name, *only), empty="请选择" if form.fields[name].required else "（未定）")
