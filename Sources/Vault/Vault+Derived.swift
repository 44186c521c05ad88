package import Rules
import Sealing

extension Vault {
    /// What can be made again from a flow's state or a refresh's ticket and this vault's key, and is therefore not stored.
    package enum Derived: String, Sendable {
        /// The PKCE code verifier (RFC 7636, section 4.1).
        case pkce = "postern/pkce/1"
        /// OpenID Connect's nonce (OpenID Connect Core 1.0, section 3.1.2.1).
        case nonce = "postern/nonce/1"
        /// What proves that an answer that was put aside is one to an errand of this vault.
        case errand = "postern/errand/1"
    }

    /// 43 characters of base64url that only this vault can make from `state`, which for the first two only the browser has.
    package func derive(_ what: Derived, from state: String) throws(Problem) -> String {
        var canonical = Canonical(what.rawValue)
        canonical.add(state)
        let digest: [UInt8]
        do { digest = try keys.slots.mac(canonical.bytes, with: keys.state).bytes } catch { throw error.problem }
        return Base64.url.encode(digest.span)
    }
}
