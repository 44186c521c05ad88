import Errands
import Linux
import Testing

@Suite struct `A courier that starts` {
    /// Whether the process's first thread waits in poll(2) or ppoll(2); by number, on x86-64 and on others.
    private static func waits(_ pid: Int32) -> Bool {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/syscall", .read),
            let bytes = try? file.readToEnd(atMost: 4096)
        else { return false }
        return ["7", "271", "73"].contains(String(decoding: bytes, as: UTF8.self).prefix { $0 != " " })
    }

    private static func port(_ socket: borrowing FileDescriptor) throws -> UInt16 {
        let port = socket.boundPort
        return try #require(port)
    }

    /// The next message of a courier.
    private static func next(_ control: borrowing FileDescriptor) throws -> Control? {
        guard let received = try Control.receive(on: control, until: .after(seconds: 30)) else { return nil }
        return received.control
    }

    /// Who waits at one of its doors asks as soon as he is let in, and a keeper that hears that first takes it for no
    /// courier: so the word that it is there comes before.
    @Test(.enabled(if: Shell.isRoot, "not root: what another process waits for cannot be read"))
    func `lets nobody in before it has said so`() throws {
        let scratch = try Scratch()
        let pair = try SocketPair(.messages)
        // As full as it gets, so that the courier's first word waits for us.
        var fillers = 0
        while true {
            do { try pair.far.sendMessage(Array("x".utf8), until: .after(milliseconds: 1)) } catch { break }
            fillers += 1
        }
        let gateway = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let gatewayPort = try Self.port(gateway)
        let callbackPort = try Self.port(try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)))
        let log = try FileDescriptor.open(scratch.file("log"), .append, creating: 0o600)
        let child = try ChildProcess.start(
            Program.sibling("postern-courier"),
            ["--callback-listen", "127.0.0.1:\(callbackPort)", "--gateway-listen", "127.0.0.1:\(gatewayPort)"],
            descriptors: [2: log.number, 3: pair.far.number, 5: gateway.number])
        defer {
            child.send(signal: 9)
            _ = try? child.wait()
        }
        // Both wait at the doors; the callback's is there when all is but the word.
        let call = try FileDescriptor.connect(loopbackPort: gatewayPort)
        try call.send(
            Array("GET /slack/api.test HTTP/1.1\r\nHost: 127.0.0.1:\(gatewayPort)\r\n\r\n".utf8),
            until: .after(seconds: 30))
        var callback: FileDescriptor?
        let isWaiting = eventually {
            if callback == nil { callback = try? FileDescriptor.connect(loopbackPort: callbackPort) }
            return callback != nil && Self.waits(child.pid)
        }
        #expect(isWaiting, "\(scratch.text("log"))")
        #expect(MemoryScan.threads(of: child.pid) == 1)
        try pair.split { near, far in
            _ = consume far
            for _ in 0..<fillers { _ = try near.receiveMessage(until: .after(seconds: 30)) }
            let first = try Self.next(near)
            guard case .ready(let report)? = first else {
                Issue.record("\(String(describing: first)) came first")
                return
            }
            #expect(report.gateway == "127.0.0.1:\(gatewayPort)" && report.callback == "127.0.0.1:\(callbackPort)")
            #expect(try Self.next(near) == .gateway)
        }
    }
}
