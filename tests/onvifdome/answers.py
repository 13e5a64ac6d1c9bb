"""The dome's answers as SOAP 1.2, in the namespaces and orders of ONVIF's definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from onvifdome.motion import Vector

SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
TT = "http://www.onvif.org/ver10/schema"
WSNT = "http://docs.oasis-open.org/wsn/b-2"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_SPACES = {
    "s": SOAP,
    "tds": DEVICE,
    "trt": MEDIA,
    "tptz": PTZ,
    "tev": EVENTS,
    "tt": TT,
    "wsnt": WSNT,
    "wsa5": "http://www.w3.org/2005/08/addressing",
    "ter": "http://www.onvif.org/ver10/error",
    "tns1": "http://www.onvif.org/ver10/topics",
}
_POSITIONS = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"
_ZOOMS = "http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace"

SERVICES: Mapping[str, tuple[str, ...]] = {
    "GetSystemDateAndTime": (DEVICE,),
    "GetServices": (DEVICE,),
    "GetCapabilities": (DEVICE,),
    "GetProfiles": (MEDIA,),
    "GetPresets": (PTZ,),
    "GetStatus": (PTZ,),
    "GotoPreset": (PTZ,),
    "ContinuousMove": (PTZ,),
    "Stop": (PTZ,),
    "CreatePullPointSubscription": (EVENTS,),
    "PullMessages": (EVENTS,),
    "Renew": (WSNT,),
    "Unsubscribe": (WSNT,),
}


def envelope(body: str) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _SPACES.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {spaces}><s:Body>{body}</s:Body></s:Envelope>'
    return text.encode()


def empty(prefix: str, _space: str, name: str) -> bytes:
    return envelope(f"<{prefix}:{name}/>")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def seconds(duration: str) -> float:
    """The seconds of an `xs:duration` that has nothing else."""
    match = re.fullmatch(r"PT(\d+(?:\.\d+)?)S", duration)
    assert match, duration
    return float(match[1])


def fault(subcode: str, reason: str, _at: datetime, *, sender: bool = True) -> bytes:
    code = "s:Sender" if sender else "s:Receiver"
    return envelope(
        f"<s:Fault><s:Code><s:Value>{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>'
    )


def date_and_time(at: datetime) -> bytes:
    time = f"<tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
    date = f"<tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day>"
    return envelope(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings>"
        f"<tt:UTCDateTime><tt:Time>{time}</tt:Time><tt:Date>{date}</tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def services(base: str, *, events: bool) -> bytes:
    named = {DEVICE: "device_service", MEDIA: "media", PTZ: "ptz"} | ({EVENTS: "events"} if events else {})
    each = "".join(
        f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{base}/onvif/{path}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for space, path in named.items()
    )
    return envelope(f"<tds:GetServicesResponse>{each}</tds:GetServicesResponse>")


def capabilities(base: str) -> bytes:
    """What devices from before 2.0 say instead of their services."""
    yes = "".join(
        f"<tt:{name}>true</tt:{name}>"
        for name in (
            "WSSubscriptionPolicySupport",
            "WSPullPointSupport",
            "WSPausableSubscriptionManagerInterfaceSupport",
        )
    )
    streams = "<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast></tt:StreamingCapabilities>"
    return envelope(
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Events><tt:XAddr>{base}/onvif/events</tt:XAddr>{yes}</tt:Events>"
        f"<tt:Media><tt:XAddr>{base}/onvif/media</tt:XAddr>{streams}</tt:Media>"
        f"<tt:PTZ><tt:XAddr>{base}/onvif/ptz</tt:XAddr></tt:PTZ>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def profiles() -> bytes:
    ptz = (
        '<tt:PTZConfiguration token="ptz0"><tt:Name>dome</tt:Name><tt:UseCount>1</tt:UseCount>'
        "<tt:NodeToken>node0</tt:NodeToken></tt:PTZConfiguration>"
    )
    return envelope(
        "<trt:GetProfilesResponse>"
        '<trt:Profiles token="fixed" fixed="true"><tt:Name>no ptz</tt:Name></trt:Profiles>'
        f'<trt:Profiles token="main" fixed="true"><tt:Name>main</tt:Name>{ptz}</trt:Profiles>'
        "</trt:GetProfilesResponse>"
    )


def _vector(position: Vector) -> str:
    pan, tilt, zoom = position
    return (
        f'<tt:PanTilt x="{pan:.6f}" y="{tilt:.6f}" space="{_POSITIONS}"/>'
        f'<tt:Zoom x="{zoom:.6f}" space="{_ZOOMS}"/>'
    )


def presets(presets: Mapping[str, tuple[str, Vector]], *, positions: bool) -> bytes:
    each = "".join(
        f"<tptz:Preset token={quoteattr(token)}><tt:Name>{escape(name)}</tt:Name>"
        + (f"<tt:PTZPosition>{_vector(place)}</tt:PTZPosition>" if positions else "")
        + "</tptz:Preset>"
        for token, (name, place) in presets.items()
    )
    return envelope(f"<tptz:GetPresetsResponse>{each}</tptz:GetPresetsResponse>")


def status(position: Vector | None, moving: bool | None, at: datetime) -> bytes:
    there = "" if position is None else f"<tt:Position>{_vector(position)}</tt:Position>"
    word = "MOVING" if moving else "IDLE"
    moves = (
        ""
        if moving is None
        else f"<tt:MoveStatus><tt:PanTilt>{word}</tt:PanTilt><tt:Zoom>{word}</tt:Zoom></tt:MoveStatus>"
    )
    return envelope(
        f"<tptz:GetStatusResponse><tptz:PTZStatus>{there}{moves}<tt:UtcTime>{stamp(at)}</tt:UtcTime>"
        "</tptz:PTZStatus></tptz:GetStatusResponse>"
    )


def subscription(address: str, at: datetime, ends: datetime) -> bytes:
    return envelope(
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
        f"<wsa5:Address>{address}</wsa5:Address></tev:SubscriptionReference>"
        f"<wsnt:CurrentTime>{stamp(at)}</wsnt:CurrentTime>"
        f"<wsnt:TerminationTime>{stamp(ends)}</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>"
    )


def renewed(at: datetime, ends: datetime) -> bytes:
    return envelope(
        f"<wsnt:RenewResponse><wsnt:TerminationTime>{stamp(ends)}</wsnt:TerminationTime>"
        f"<wsnt:CurrentTime>{stamp(at)}</wsnt:CurrentTime></wsnt:RenewResponse>"
    )


def messages(happened: Sequence[tuple[str, str, str]], at: datetime, life_s: float, *, legacy: bool) -> bytes:
    """Events; a motion alarm in front of them, because devices send whatever they have.

    `legacy` puts the token into the source, as many devices do.
    """
    other = (
        _message("tns1:VideoSource/MotionAlarm", at, {"Source": "0"}, {"State": "true"}) if happened else ""
    )
    each = "".join(
        _message(
            f"tns1:PTZController/PTZPresets/{what}",
            at,
            {"PresetToken": token} if legacy else {"PTZConfigurationToken": "ptz0"},
            {"State": "true"} if legacy else {"PresetToken": token, "PresetName": name},
        )
        for what, token, name in happened
    )
    ends = at + timedelta(seconds=life_s)
    return envelope(
        f"<tev:PullMessagesResponse><tev:CurrentTime>{stamp(at)}</tev:CurrentTime>"
        f"<tev:TerminationTime>{stamp(ends)}</tev:TerminationTime>{other}{each}</tev:PullMessagesResponse>"
    )


def _message(topic: str, at: datetime, source: Mapping[str, str], data: Mapping[str, str]) -> str:
    def items(values: Mapping[str, str]) -> str:
        return "".join(
            f"<tt:SimpleItem Name={quoteattr(name)} Value={quoteattr(value)}/>"
            for name, value in values.items()
        )

    dialect = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{dialect}">{topic}</wsnt:Topic><wsnt:Message>'
        f'<tt:Message UtcTime="{stamp(at)}"><tt:Source>{items(source)}</tt:Source>'
        f"<tt:Data>{items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )
