"""ONVIF's own definitions, to hold messages against. Nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path

import onvif
from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
XS = "http://www.w3.org/2001/XMLSchema"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
PUBLISHED = Path(__file__).parents[3] / "shared/reference"
"""The published definitions, where they are at hand; their names begin with ``onvif-``."""
BUNDLED = Path(onvif.__file__).parent / "wsdl"
"""The library's copies, for the rest."""
NAMES = {"events.wsdl": "event.wsdl"}
"""Where the library and the publisher call the same thing by another name."""
ENVELOPE = (
    f'<xs:schema xmlns:xs="{XS}" targetNamespace="{SOAP}">'
    + "".join(
        f'<xs:complexType name="{name}"><xs:sequence><xs:any processContents="skip" maxOccurs="unbounded"/>'
        "</xs:sequence></xs:complexType>"
        for name in ("Envelope", "Fault")
    )
    + "</xs:schema>"
).encode()
"""What ONVIF's schema takes of SOAP 1.2: names, for types that no message here has."""
SERVICES = {
    "http://www.onvif.org/ver10/device/wsdl": "devicemgmt.wsdl",
    "http://www.onvif.org/ver10/media/wsdl": "media.wsdl",
    "http://www.onvif.org/ver20/ptz/wsdl": "ptz.wsdl",
    EVENTS: "events.wsdl",
    "http://docs.oasis-open.org/wsn/b-2": "events.wsdl",
}


def _found(name: str) -> Path:
    other = NAMES.get(name, name)
    paths = (PUBLISHED / f"onvif-{other}", PUBLISHED / f"onvif-{name}", BUNDLED / name, BUNDLED / other)
    return next(path for path in paths if path.is_file())


class Definitions:
    """Checks the bodies of messages.

    Parameters
    ----------
    folder
        Where the schemas are laid side by side, for they import each other from all over the world.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schemas = {space: self._schema(name) for space, name in SERVICES.items()}

    def check(self, message: bytes) -> bool:
        """Whether the body is one of a known service; raises `lxml.etree.DocumentInvalid` if it is wrong."""
        body = etree.fromstring(message).find(f"{{{SOAP}}}Body")
        if body is None or len(body) != 1 or body[0].tag == f"{{{SOAP}}}Fault":
            return False
        self._schemas[str(etree.QName(body[0]).namespace)].assertValid(body[0])
        return True

    def _schema(self, name: str) -> etree.XMLSchema:
        """The schema of a service; of events the one that has all that OASIS defines."""
        wsdl = etree.parse(str(_found(name)))
        schema = next(each for each in wsdl.iter(f"{{{XS}}}schema") if "onvif" in each.get("targetNamespace"))
        path = self._folder / f"{name}.xsd"
        path.write_bytes(self._beside(etree.tostring(schema)))
        return etree.XMLSchema(file=str(path))

    def _beside(self, text: bytes) -> bytes:
        """The same schema, whose imports lie in the folder."""

        def local(match: re.Match[bytes]) -> bytes:
            name = match[1].decode().rstrip("/").rpartition("/")[2]
            path = self._folder / name
            if not path.exists():
                path.touch()
                there = ENVELOPE if name == "soap-envelope" else _found(name).read_bytes()
                path.write_bytes(self._beside(there))
            return b'schemaLocation="' + name.encode() + b'"'

        if b'targetNamespace="http://www.onvif.org' in text:
            # "And anything else" makes ONVIF's types ambiguous in the eyes of XML Schema 1.0.
            text = re.sub(rb'<xs:any [^>]*namespace="##(any|targetNamespace)"[^>]*/>', b"", text)
        return re.sub(rb'schemaLocation="([^"]*)"', local, text)
