"""Where mail goes, read from one URL."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.mail import MailServer, mail_server


def test_no_url_means_no_server():
    assert mail_server("") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", MailServer("mail.example", 25, "", "", use_ssl=False, use_tls=False)),
        (
            "smtp+starttls://mail.example",
            MailServer("mail.example", 587, "", "", use_ssl=False, use_tls=True),
        ),
        (
            "smtps://huiyin%40example:a%2Fb%3Ac@mail.example:4650",
            MailServer("mail.example", 4650, "huiyin@example", "a/b:c", use_ssl=True, use_tls=False),
        ),
    ],
)
def test_url_names_server_login_and_encryption(url, expected):
    assert mail_server(url) == expected


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:mail"]
)
def test_wrong_url_is_refused_without_repeating_its_password(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        mail_server(url.replace("://", "://user:secret@") if url.startswith(("smtp://m", "http")) else url)
    assert "smtps://" in str(refused.value)
    assert "secret" not in str(refused.value)
