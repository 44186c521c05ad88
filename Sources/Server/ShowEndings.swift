import Broker
import Rules
import Vault

/// How endings and links look on the wire.
extension Show {
    static func revocation(_ row: Revocation, _ platform: Platform?, now: Int64) -> JSONValue {
        let (state, advice): (String, String) =
            switch row.state {
            case .pending: ("pending", "")
            case .done: ("done", "")
            case .refused where row.code == "token_expired":
                ("refused", "the token had expired, so that it could not end the grant: remove the app by hand")
            case .refused: ("refused", "look at the platform's console: the token may still be taken there")
            // No call of the platform ends it (platforms, 2.7).
            case .unsupported:
                (
                    "impossible",
                    "the platform has no call for it: reset it at the platform, in the app's console or the person's "
                        + "authorizations"
                )
            }
        return [
            "id": .int(row.id), "platform": .optional(platform?.rawValue), "installation": .int(row.installation),
            "leg": .text(row.leg.rawValue), "state": .text(state), "attempts": .int(row.attempts),
            "code": .optional(row.code), "advice": advice.isEmpty ? .absent : .text(advice),
            "next_at": .time(row.nextAt), "next_in": row.nextAt.map { .left(until: $0, from: now) } ?? .absent,
            "created_at": .time(row.createdAt), "updated_at": .time(row.updatedAt),
        ]
    }

    static func link(_ link: Link) -> JSONValue {
        [
            "id": .int(link.id), "installation": .int(link.installation), "subject": .text(link.subject),
            "user_id": .text(link.userID), "email": .optional(link.email), "how": .text(link.how.rawValue),
            "created_at": .time(link.createdAt), "created_by": .text(link.createdBy),
        ]
    }

    static func disconnection(_ done: Disconnection, _ key: AppKey, now: Int64) -> JSONValue {
        [
            "id": .int(done.installation.id), "platform": .text(key.platform.rawValue),
            "app_id": .text(key.appID.value), "state": .text(done.installation.state.rawValue),
            "revocations": .list(done.revocations.map { revocation($0, key.platform, now: now) }),
        ]
    }
}
