"""An ONVIF dome that is not there: SOAP over HTTP on this machine, with presets, moves, events and faults."""

from onvifdome.dome import FakeDome, Fault

__all__ = ["FakeDome", "Fault"]
