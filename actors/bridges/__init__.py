"""The ways to devices: simulated ones, HTTP and MQTT, behind one port; `docs/gateway.md` is their contract."""
