import Errands
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// Sends one request to a platform by the courier and returns what came back, whatever its status.
    func ask(_ request: PlatformRequest, timeoutSeconds: Int = 20) throws(Problem) -> PlatformAnswer {
        guard let courier else {
            throw Problem(
                .courierUnavailable, "the courier is not running, so no platform can be asked",
                advice: "look at posternd's log; it starts postern-courier from its own directory")
        }
        let answer = try courier.carry(
            Errand(
                method: request.method, url: request.url, headers: request.headers.map { ($0.name, $0.value) },
                body: request.body, timeoutSeconds: timeoutSeconds))
        return PlatformAnswer(
            status: answer.status, headers: answer.headers.map { HeaderField($0.name, $0.value) }, body: answer.body)
    }

    /// Opens a secret that the broker itself needs in a request to a platform.
    ///
    /// The text is transient: it goes into one errand, and freed memory is scrubbed process-wide (design, section 3).
    func use(_ secret: SecretName) throws(Problem) -> String? {
        let slab = slabs.take()
        defer { slabs.give(slab) }
        guard try vault.read(secret, version: nil, at: vault.now, into: slab) != nil else { return nil }
        return text(slab)
    }

    private func text(_ slab: Slab) -> String { String(decoding: [UInt8](copying: slab.span), as: UTF8.self) }

    /// An app's client id and secret, or what is missing.
    func clientPair(_ app: App) throws(Problem) -> (id: String, secret: String) {
        guard let id = app.fields[.clientID] else {
            throw Problem(
                .notFound, "the app has no client_id", advice: "add it again with --field client_id=… ")
        }
        guard let secret = try use(SecretName(app: app.id, kind: .clientSecret)) else {
            throw Problem(
                .notFound, "the app has no client_secret",
                advice: "set it: postern secret set \(app.key) client_secret")
        }
        return (id, secret)
    }
}

extension SecretBox {
    /// Moves a token that came out of a platform's answer into guarded memory.
    convenience init(_ text: String) { self.init(SecretBytes(copying: text.utf8.span)) }
}
