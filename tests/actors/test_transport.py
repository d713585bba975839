from faust.types import TP
from faust.types.tuples import ConsumerMessage

from actors.transport import Consumer, Transport


def test_what_faust_acknowledges_by_itself_is_not_done() -> None:
    consumer = object.__new__(Consumer)
    message = ConsumerMessage("alerts", 0, 7, 0.0, 0, None, b"", b"", None, tp=TP("alerts", 0))
    message.incref()
    assert message.ack(consumer) is False
    assert not message.acked
    assert Transport.Consumer is Consumer
