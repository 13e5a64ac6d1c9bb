"""Settings of an RTSP camera: mistakes are named, credentials are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from beffroi.components import BuildContext, SourceConfig
from beffroi.conceal import conceal, forget
from beffroi.sources.rtsp import RtspConfig
from pydantic import ValidationError


@pytest.fixture(autouse=True)
def nothing_concealed() -> Iterator[None]:
    yield
    forget()


def parse(**settings: object) -> RtspConfig:
    config = SourceConfig.parse({"type": "rtsp", **settings})
    assert isinstance(config, RtspConfig)
    return config


def test_settings_show_no_credentials() -> None:
    config = parse(
        url="rtsp://viewer:s3%40cr3t@10.0.0.1:554/a?x=1",
        evidence_url="rtsp://10.0.0.1/user=ab&password=qwertz&c=1",
    )
    error = conceal("401 for viewer:s3%40cr3t, s3@cr3t, qwertz")
    for text in (repr(config), str(config), config.model_dump_json(), error):
        assert not [word for word in ("viewer", "cr3t", "qwertz") if word in text]
    assert json.loads(config.model_dump_json())["url"] == "rtsp://10.0.0.1:554/a?..."
    # What this process needs to connect is still there.
    assert parse(**config.model_dump(exclude={"type"})) == config


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h/a", "should begin with rtsp:// or rtsps://, not http://"),
        ("10.0.0.1/stream", "should begin with rtsp:// or rtsps://, not something else"),
        ("rtsp:///a", "names no host"),
        ("rtsp://viewer:s3cr3t@/a", "names no host"),
        ("rtsp://viewer:s3cr3t@:554/a", "names no host"),
        ("rtsp://viewer:s3@cr3t@h/a", "an @ in the user name or password is written %40"),
        ("rtsp://viewer:s3/cr3t@h/a", "a /, ? or # in the user name or password is written %2F, %3F or %23"),
        ("rtsp://viewer:s3#cr3t@h/a", "a /, ? or # in the user name or password is written"),
        ("rtsp://viewer:s3?cr3t@h/a", "a /, ? or # in the user name or password is written"),
        ("rtsp://viewer:s3%cr3t@h/a", "a % in the user name or password is written %25"),
        ("rtsp://viewer:s3 cr3t@h/a", "holds a space"),
        ("rtsp://h:99999/a", "the host is not HOST or HOST:PORT with a port of 1 to 65535"),
        ("rtsp://h:0/a", "with a port of 1 to 65535"),
        ("rtsp://fe80::1/a", "IPv6 is written [ADDRESS]:PORT"),
    ],
)
def test_addresses_that_are_none(url: str, message: str) -> None:
    for settings in ({"url": url}, {"url": "rtsp://h/a", "evidence_url": url}):
        with pytest.raises(ValidationError) as error:
            parse(**settings)
        assert message in str(error.value)
        assert "cr3t" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.1",
        "rtsp://cam-3.example:8554/a/b?c=d#e",
        "RTSPS://viewer@[fe80::1%25eth0]:322/a",
        "rtsp://10.0.0.1:554/cam@1",
        "rtsp://viewer:@10.0.0.1/a",
        "rtsp://us%40er:p%2Fa%3As@10.0.0.1/a",
    ],
)
def test_addresses_that_are_right(url: str) -> None:
    assert parse(url=url).url == url


def test_settings_without_effect() -> None:
    context = BuildContext("gate", Path())
    config = parse(url="rtsps://h/a", transport="udp", evidence_url="rtsps://h/a")
    places = [place for place, _ in config.findings(context)]
    assert places == [("transport",), ("transport",), ("evidence_url",)]
    assert list(parse(url="rtsp://h/a", transport="udp").findings(context)) == []
