"""Who a command acts as."""

from django.core.management.base import CommandError

from workflows.models import User


def acting(username: str | None) -> User:
    """Who a command acts as: the system, or the active user named."""
    if username is None:
        return User.objects.system()
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"--as：没有用户名为 {username} 的在用账号。")
    return user
