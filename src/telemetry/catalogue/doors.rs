//! Metrics about clients that connect, and people who opt out.

use super::group;

group! { "Doors":
    CONNECTIONS Gauge "consentry_connections" ["listener"]
        "SMTP connections from clients that are open now, by listener."
        => "Near the listener's connections_max, clients are about to be turned away: raise it, \
            or let mailers reuse connections.";

    CONNECTIONS_OPENED Counter "consentry_connections_opened_total" ["listener"]
        "SMTP connections that got a session, by listener."
        => "Connections without transactions: somebody probes, or a client cannot get past \
            EHLO, STARTTLS or AUTH; see the other metrics of the listener.";

    CONNECTIONS_REFUSED Counter "consentry_connections_refused_total" ["listener", "reason"]
        "SMTP connections turned away, by listener and reason."
        => "unknown_client: add the address to a [[client]], or close the firewall; \
            too_many_connections: raise connections_max, or slow the mailer down.";

    HANDSHAKES_FAILED Counter "consentry_tls_handshakes_failed_total" ["listener"]
        "TLS handshakes with clients that failed, by listener."
        => "Some are scanners. If a mailer's connections fail: it does not trust the certificate, \
            or speaks no TLS 1.2.";

    PROXY_HEADERS_REFUSED Counter "consentry_proxy_headers_refused_total" ["listener"]
        "Connections closed because no valid PROXY protocol header came from a trusted proxy, \
         by listener."
        => "Proxy and listener disagree: either the proxy does not send the header, or somebody \
            connects past it.";

    LOGINS Counter "consentry_logins_total" ["listener", "result"]
        "Logins of clients, by listener and result."
        => "invalid: a mailer with an old password, or somebody guessing; too_many: the source is \
            being slowed down; unavailable: the check itself failed, see the log.";

    CERTIFICATE_EXPIRY Gauge "consentry_certificate_expiry_timestamp_seconds" ["role"]
        "When the certificate used in this role expires, as Unix time."
        => "Renew it before; a changed file is taken up by itself or by `consentry reload`.";

    UNSUBSCRIBES Counter "consentry_unsubscribes_total" ["result"]
        "Unsubscribe requests, by result."
        => "Any unknown_key, unknown_version, unknown_scope, store_failed or store_timeout means \
            that people are being turned away, which the law does not forgive: restore the \
            keyring or the store at once. bad_seal and malformed are scanners or broken links.";

    OPT_OUT_SECONDS Histogram "consentry_opt_out_seconds" []
        "Time from an unsubscribe request's arrival until the objection was durable, from when \
         on no marketing leaves, in seconds."
        => "Above a second or two the store's disk is too slow or blocked; mailbox providers \
            give up after some seconds and count it against you.";
}
