import Glibc
import Linux
import Platforms
import Rules
import Sealing
import Server
import Testing
import Vault

@testable import Broker

@Suite struct `A watch on which nothing happens` {
    @Test func `is silent for fifteen seconds at most`() {
        let usual = Broker.Settings(urls: PlatformURLs(), publicURL: "", rootKeySource: "test", version: "0")
        #expect(usual.watchSilence == 15_000)
    }

    /// HTML Living Standard, section 9.2.7: a comment every 15 seconds or so keeps proxies from ending it.
    @Test func `says again and again that it is there, and where it goes on from`() throws {
        let bridge = try Bridge { $0.watchSilence = 20 }
        let (socket, other) = ("\(bridge.ground.path)/b", "\(bridge.ground.path)/a")
        let server = try PosternServer(
            bridge.broker, brokerSocket: UnixListener(path: socket, mode: 0o600).takeDescriptor(),
            adminSocket: UnixListener(path: other, mode: 0o600).takeDescriptor())
        defer { server.stop() }
        let client = try FileDescriptor.connect(unix: socket)
        try client.send(Array("GET /v1/watch HTTP/1.1\r\nHost: postern\r\n\r\n".utf8), until: .after(seconds: 20))
        var text = ""
        func comes(_ isThere: () -> Bool) throws {
            let deadline = Deadline.after(seconds: 20)
            while !isThere() {
                var piece = [UInt8](repeating: 0, count: 4096)
                var span = piece.mutableSpan
                let count = try client.receive(into: &span, until: deadline)
                try #require(count > 0, "it ended: \(text)")
                text += String(decoding: piece.prefix(count), as: UTF8.self)
            }
        }
        let quiet = ": still watching\nid: "
        try comes { text.split(separator: quiet, omittingEmptySubsequences: false).count > 3 }
        #expect(!text.contains("event:") && !text.contains("data:"))
        // Each with a place, and behind it a line without anything.
        for part in text.split(separator: quiet, omittingEmptySubsequences: false).dropFirst().dropLast() {
            #expect(part.split(separator: "\n\n")[0].utf8.count > 40, "\(part)")
        }
        let (app, tenant) = (bridge.ground.app.id, bridge.ground.app.tenant)
        try bridge.ground.vault.change(always: { transaction throws(Problem) in
            try transaction.store(
                SecretBox("fake signing secret"), as: SecretName(app: app, kind: .signingSecret), tenant: tenant,
                by: "test", graceEnds: nil)
        })
        try comes { text.contains("event: secret.rotated\n") }
        text = ""
        try comes { text.contains(quiet) }
    }
}

@Suite struct `A watch whose service is gone` {
    /// Removed and added again between two looks: the name, the user and the process are the same.
    @Test func `ends, and does not go on for the one that comes after it`() throws {
        let bridge = try Bridge { $0.watchSilence = 20 }
        defer { bridge.broker.stopWatching() }
        let watcher = try bridge.broker.watch(WatchFilter(), after: nil, for: bridge.caller, .next())
        defer { watcher.close() }
        guard case .quiet = watcher.next() else {
            Issue.record("something happened")
            return
        }
        let name = try #require(Slug("bridge"))
        try bridge.ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.removeService(name)
            _ = try transaction.addService(name, selectors: [.uid(geteuid())])
        })
        guard case .ended = watcher.next() else {
            Issue.record("it went on")
            return
        }
    }
}
