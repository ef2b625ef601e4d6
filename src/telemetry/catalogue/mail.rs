//! Metrics about messages and their recipients.

use super::group;

group! { "Mail":
    TRANSACTIONS Counter "consentry_transactions_total" ["stream", "class", "reply"]
        "SMTP transactions answered after end-of-data, by stream, class of the message and \
         reply code."
        => "Watch the share of 4xx and 5xx per stream: 451 means that mail waits at your mailers, \
            550 that it is refused. The reply's text and the table of replies in the operator's \
            manual say why.";

    TRANSACTION_SECONDS Histogram "consentry_transaction_seconds" ["class"]
        "Time from end-of-data to the reply, by class of the message, in seconds."
        => "When it nears the reply deadline, mailers time out and send again: look at \
            consentry_stage_seconds for the stage that takes long, most often the upstream.";

    STAGE_SECONDS Histogram "consentry_stage_seconds" ["stage"]
        "Time one transaction spent in each stage, in seconds."
        => "load and record wait for the store's disk, send for the outbound MTA; prepare, decide \
            and render are this program's own work.";

    RECIPIENTS Counter "consentry_recipients_total" ["stream", "class", "mode", "verdict", "reason"]
        "Recipients decided on, by stream, class, the stream's mode, verdict and first reason \
         code (none if there is no reason)."
        => "A rise of deny names its remedy in `consentry explain`; defer means that marketing is \
            being put off and its reason says why; observed_deny is what would be refused if the \
            stream enforced everything.";

    FOOTERS Counter "consentry_footers_total" ["outcome", "reason"]
        "Marketing messages prepared, by what was done to the body and why no more was done."
        => "headers_only and rejected mean mail without a visible way out, which most rule sets \
            deny: mend the template or the program that makes the messages; the reason says \
            what is in the way.";

    RECEIVED_BYTES Counter "consentry_received_bytes_total" []
        "Bytes of mail data received in complete transactions."
        => "Nothing by itself; with consentry_transactions_total it tells the mean size.";

    IN_FLIGHT_BYTES Gauge "consentry_in_flight_bytes" []
        "Bytes of mail data of transactions being handled now."
        => "If it stays high while few transactions end, the upstream or the store is slow; \
            lower the listeners' connections_max or message_bytes_max if memory runs short.";

    STREAM_LEASE Gauge "consentry_stream_lease_seconds" ["stream"]
        "Seconds until a stream that does not enforce everything yet will do so by itself; \
         streams that enforce everything are not shown."
        => "Before it ends, look at what the stream would refuse (observed_deny) and mend it, or \
            set a new `until`: after it the stream refuses what the law does not permit.";
}
