"""Settings for the separate administrators. Nothing here shows a message, a reply or a person.

System administrators keep code lists, units and accounts; security administrators grant roles, never to themselves;
published documents are there to be read. Source: 等保三级，三员分立.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from opinion.models import Code
from workflows.models import CalendarVersion, Definition, Membership, PolicyVersion, Unit, User
from workflows.registry import ROLES

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    AccountAdmin = UserAdmin[User]
    CodeModelForm = forms.ModelForm[Code]
    MembershipModelForm = forms.ModelForm[Membership]
else:
    # Generic to the type checker only.
    Admin, AccountAdmin = admin.ModelAdmin, UserAdmin
    CodeModelForm = MembershipModelForm = forms.ModelForm

admin.site.site_header = admin.site.site_title = "回音 系统设置"
admin.site.index_title = "设置"
admin.site.unregister(Group)

CODE = re.compile(r"[a-z0-9_]{1,30}")
READERS = ("sysadmin", "secadmin", "auditadmin")


class KeptByRole:
    """Whoever holds one of `keepers` changes entries, any administrator reads them, nobody deletes one.

    What is in use is retired, since old cases go on naming it.
    """

    keepers: ClassVar[tuple[str, ...]] = ("sysadmin",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request, *READERS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return holds(request, *READERS)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request, *self.keepers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request, *self.keepers)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def holds(request: HttpRequest, *roles: str) -> bool:
    """Whether an administrator of these roles asks. The first account, made by `createsuperuser`, has no roles yet."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or any(user.standing.roles.get(role) for role in roles)


class CodeForm(CodeModelForm):
    """A code is short ASCII, since the log carries it for good."""

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not CODE.fullmatch(code):
            raise forms.ValidationError("“代码”只用小写英文字母、数字和下划线，不超过 30 个字符")
        return code


@admin.register(Code)
class CodeAdmin(KeptByRole, Admin):
    """Code lists. List and code of an entry are fixed once it is there."""

    form = CodeForm
    list_display = ("list", "code", "label", "position", "active")
    list_display_links = ("label",)
    list_filter = ("list", "active")
    search_fields = ("label", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("list", "code") if obj else ()


@admin.register(Unit)
class UnitAdmin(KeptByRole, Admin):
    """The tree of offices."""

    list_display = ("name", "code", "parent", "kind", "is_desk", "valid_until")
    list_filter = ("kind", "is_desk")
    list_select_related = ("parent",)
    search_fields = ("name", "code")
    autocomplete_fields = ("parent",)


class MembershipForm(MembershipModelForm):
    """The role is chosen among those that documents can name."""

    role = forms.ChoiceField(label="角色")
    granted_by: User | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(name, item.label) for name, item in ROLES.items() if item.given]

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if user == self.granted_by and not user.is_superuser:
            raise forms.ValidationError("不能给自己授予角色，请由另一位安全管理员办理")
        return user


@admin.register(Membership)
class MembershipAdmin(KeptByRole, Admin):
    """Who works where in which role. Taking a role away is deleting its row."""

    keepers = ("secadmin",)
    form = MembershipForm
    list_display = ("user", "unit", "role_label")
    list_filter = ("role",)
    list_select_related = ("user", "unit")
    search_fields = ("user__username", "user__display_name", "unit__name")
    autocomplete_fields = ("user", "unit")

    @admin.display(description="角色", ordering="role")
    def role_label(self, membership: Membership) -> str:
        return ROLES[membership.role].label if membership.role in ROLES else membership.role

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return holds(request, *self.keepers) and not _own(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """The form knows who grants, since nobody may grant to oneself."""
        form = super().get_form(request, obj, change, **options)
        form.granted_by = request.user  # type: ignore[attr-defined]  # the class is made anew for each request
        return form


def _own(request: HttpRequest, obj: Membership | None) -> bool:
    user = request.user
    return obj is not None and obj.user == user and not obj.user.is_superuser


@admin.register(User)
class PersonAdmin(KeptByRole, AccountAdmin):
    """Accounts. Rights come from memberships alone; `is_staff` opens this site to an administrator."""

    list_display = ("username", "display_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username", "display_name")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("人员", {"fields": ("display_name", "email", "is_active", "is_staff")}),
        ("时间", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "display_name", "usable_password", "password1", "password2"),
            },
        ),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Nobody logs in as the system, so nobody edits it."""
        return super().get_queryset(request).filter(is_system=False)


@admin.register(Definition, PolicyVersion, CalendarVersion)
class DocumentAdmin(KeptByRole, Admin):
    """Published documents: read here, published by `manage.py publish`."""

    keepers = ()
    list_display = ("label", "code", "version", "published_at", "published_by")
    list_filter = ("code",)
    fields = ("label", "code", "version", "published_at", "published_by", "source")
    readonly_fields = fields
