import Errands
import Linux
import Testing

@Suite struct `After an errand` {
    /// Without `Z`, with which the allocator fills new memory here.
    private static func planted() -> String {
        String((0..<48).map { _ in "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXY23456789".randomElement() ?? "x" })
    }

    @Test(.enabled(if: Shell.isRoot, "not root: the memory of another process cannot be read"))
    func `nothing of it is left in the courier's memory`() throws {
        let platform = try LoopbackPlatform()
        let overTLS = Shell.exists("/usr/bin/openssl") ? try SelfSigned() : nil
        let courier = try LiveCourier(
            callbacks: "127.0.0.1:0", environment: overTLS.map { ["SSL_CERT_FILE=\($0.certificate)"] } ?? [],
            answer: { _ in .page(CallbackPage(.success, workspaceName: "Acme")) })
        let idle = MemoryScan.threads(of: courier.newest.pid)
        let (token, path, body, code, state, cookie) = (
            Self.planted(), Self.planted(), Self.planted(), Self.planted(), Self.planted(), Self.planted()
        )
        let tlsToken = Self.planted()
        if let overTLS {
            for _ in 0..<20 {
                let answer = try courier.keeper.carry(
                    Errand(
                        method: "GET", url: "https://127.0.0.1:\(overTLS.port)/",
                        headers: [("Authorization", "Bearer \(tlsToken)")]))
                #expect(answer.status == 200)
            }
        }
        for _ in 0..<100 {
            let answer = try courier.keeper.carry(
                Errand(
                    method: "POST", url: platform.url("/services/\(path)"),
                    headers: [("Authorization", "Bearer \(token)")], body: Array("refresh_token=\(body)".utf8)))
            // It comes back too: the answer is as secret as the question.
            #expect(String(decoding: answer.body, as: UTF8.self).contains(token))
        }
        for _ in 0..<20 {
            Shell.run(
                "/usr/bin/curl",
                [
                    "-s", "-b", "__Secure-postern-oauth=\(cookie)",
                    "http://\(courier.callback)/thirdparty/slack/A0/oauth2/callback?code=\(code)&state=\(state)",
                ])
        }
        let pid = courier.newest.pid
        #expect(eventually { MemoryScan.threads(of: pid) <= idle })
        let secrets = [
            ("token", token), ("path", path), ("body", body), ("code", code), ("state", state), ("cookie", cookie),
            ("token over TLS", tlsToken),
        ]
        for (name, secret) in secrets {
            let found = MemoryScan.regions(of: pid, with: MemoryScan.forms(of: secret))
            #expect(found == [], "\(name)")
        }
    }

    @Test(.enabled(if: Shell.isRoot, "not root: the memory of another process cannot be read"))
    func `the scan would have found it`() throws {
        // While an errand is under way its secret is there: the scan is no blind one.
        let silent = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let courier = try LiveCourier()
        let token = Self.planted()
        let port = silent.boundPort ?? 0
        try Thread.start(name: "errand") {
            let errand = Errand(
                method: "GET", url: "http://127.0.0.1:\(port)/", headers: [("Authorization", token)], timeoutSeconds: 20
            )
            _ = courier.keeper.attempt(errand)
        }
        let connection = try silent.accept(until: .after(seconds: 10))
        let pid = courier.newest.pid
        #expect(eventually { MemoryScan.regions(of: pid, with: MemoryScan.forms(of: token))?.isEmpty == false })
        connection.shutDown()
    }
}
