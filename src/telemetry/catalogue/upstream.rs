//! Metrics about the outbound MTA and what it said.

use super::group;

group! { "Upstream":
    UPSTREAM_OUTCOMES Counter "consentry_upstream_outcomes_total" ["outcome"]
        "Recipients tried at the upstream, by outcome."
        => "deferred and failed come back as 451 and are tried again by your mailers; refused \
            are reported by a notice or in the reply. Look at the outbound MTA's log.";

    UPSTREAM_REPLIES Counter "consentry_upstream_replies_total" ["code", "subject"]
        "Recipients answered by the upstream, by reply code (rare codes by first digit) and \
         subject of the enhanced status code."
        => "450 or 451 with subject policy is greylisting or rate limiting: lower \
            connections_max; 550 with address is a stale list; 552 a message too large for \
            the upstream.";

    UPSTREAM_FAILURES Counter "consentry_upstream_failures_total" ["fault"]
        "Recipients whose copy was not decided by a reply of the upstream, by fault."
        => "connect and session: the outbound MTA is away or refuses us; timeout and lost: it \
            stalls; not_started: too little time is left before the reply deadline.";

    UPSTREAM_SECONDS Histogram "consentry_upstream_transaction_seconds" []
        "Time the upstream transaction of one copy took, waiting for a connection included, in \
         seconds."
        => "If it grows, the outbound MTA is slow or connections_max of the upstream is too low \
            for the number of copies.";

    UPSTREAM_CONNECTIONS_FAILED Counter "consentry_upstream_connections_failed_total" ["kind"]
        "Connections to the upstream that could not be used, by kind of fault."
        => "connect, timeout: address, firewall, the MTA itself; tls, certificate: its \
            certificate or our CA file; authentication: our credentials there.";

    IN_DOUBT Counter "consentry_in_doubt_total" []
        "Recipients whose copy lost its connection after the final dot: nobody knows whether it \
         arrived; never retried here."
        => "Look the transaction up in the outbound MTA's log: the client was answered 451 and \
            will send again, so the recipient may get it twice.";

    NOTICES Counter "consentry_notices_total" ["outcome"]
        "Notices about denied or refused recipients handed to the upstream, by outcome."
        => "refused means that nobody is told by mail and the stream answers 550 instead: mend \
            the mailbox in notice_to.";

    NEVER_RETRIED Gauge "consentry_deferred_never_retried" []
        "Recipients of messages still open whose last attempt was deferred, or broke off, more \
         than six hours ago, as far as the ledger knows."
        => "Some mailer does not try again after 451: put it behind a local MTA that queues; \
            `consentry explain` tells which transactions were put off.";
}
