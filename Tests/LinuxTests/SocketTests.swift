import Glibc
import Rules
import Testing

@testable import Linux

@Suite struct `A stream` {
    @Test func `carries more than its buffer`() throws {
        let pair = try SocketPair(.stream)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let number = try pair.far.duplicate().release()
        let reader = Gate<[UInt8]?>(nil)
        let thread = try Thread.start(name: "reader") {
            let end = FileDescriptor(owning: number)
            let got = try? end.receive(exactly: 3_000_000, until: .after(seconds: 20))
            reader.withLock { $0 = got }
        }
        try pair.near.send(bytes, until: .after(seconds: 20))
        thread.join()
        #expect(reader.withLock { $0 } == bytes)
    }

    @Test func `gives up at the deadline`() throws {
        let pair = try SocketPair(.stream)
        #expect(throws: SystemError("recv", ETIMEDOUT)) {
            try pair.near.receive(exactly: 1, until: .after(milliseconds: 10))
        }
        #expect(throws: SystemError("send", ETIMEDOUT)) {
            try pair.near.send([UInt8](repeating: 0, count: 10_000_000), until: .after(milliseconds: 10))
        }
    }

    @Test func `says that the other end is gone`() throws {
        let pair = try SocketPair(.stream)
        try pair.far.send([1, 2, 3], until: .after(seconds: 30))
        pair.far.shutDown()
        #expect(throws: SystemError("recv", ECONNRESET)) {
            try pair.near.receive(exactly: 4, until: .after(seconds: 30))
        }
        #expect(throws: SystemError("send", EPIPE)) { try pair.near.send([1], until: .after(seconds: 30)) }
    }
}

@Suite struct `A message` {
    @Test func `brings descriptors along`() throws {
        let channel = try SocketPair(.messages)
        let passed = try SocketPair(.stream)
        try channel.near.sendMessage(
            Array("carry".utf8), descriptors: [passed.far.number, passed.far.number], until: .after(seconds: 30))
        var message = try required(try channel.far.receiveMessage(until: .after(seconds: 30)))
        #expect(message.text == "carry")
        let first = try required(message.takeDescriptor())
        let second = try required(message.takeDescriptor())
        #expect(throws: Missing.self) { _ = try required(message.takeDescriptor()).number }
        try first.send([7], until: .after(seconds: 30))
        try second.send([8], until: .after(seconds: 30))
        #expect(try passed.near.receive(exactly: 2, until: .after(seconds: 30)) == [7, 8])
        #expect(fcntl(first.number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `closes what nobody takes`() throws {
        let channel = try SocketPair(.messages)
        let passed = try SocketPair(.stream)
        let give = try passed.far.duplicate()
        try channel.near.sendMessage([1], giving: give, until: .after(seconds: 30))
        passed.far.shutDown()
        _ = try channel.far.receiveMessage(until: .after(seconds: 30))
        #expect(throws: SystemError("recv", ECONNRESET)) {
            try passed.near.receive(exactly: 1, until: .after(seconds: 30))
        }
    }

    @Test func `is refused when it does not fit, and is nothing at the end`() throws {
        let channel = try SocketPair(.messages)
        try channel.near.sendMessage([UInt8](repeating: 1, count: 5000), until: .after(seconds: 30))
        #expect(throws: SystemError("recvmsg", EMSGSIZE)) {
            _ = try channel.far.receiveMessage(until: .after(seconds: 30))?.bytes
        }
        #expect(throws: SystemError("recvmsg", ETIMEDOUT)) {
            _ = try channel.far.receiveMessage(until: .after(milliseconds: 10))?.bytes
        }
        channel.near.shutDown()
        #expect(try channel.far.receiveMessage(until: .after(seconds: 30))?.bytes == nil)
    }
}

@Suite struct `A Unix listener` {
    @Test func `has the mode it was given and answers`() throws {
        let place = try Place()
        let listener = try UnixListener(path: place("s"), mode: 0o666)
        #expect(try FileStatus.of(place("s"))?.mode == 0o666)
        let client = try FileDescriptor.connect(unix: place("s"))
        let server = try listener.descriptor.accept(until: .after(seconds: 30))
        try client.send([42], until: .after(seconds: 30))
        #expect(try server.receive(exactly: 1, until: .after(seconds: 30)) == [42])
    }

    @Test func `replaces a name left behind`() throws {
        let place = try Place()
        do { _ = try UnixListener(path: place("s"), mode: 0o600).descriptor.number }
        #expect(try FileStatus.of(place("s"))?.kind == .socket)
        let again = try UnixListener(path: place("s"), mode: 0o600)
        _ = try FileDescriptor.connect(unix: again.path).number
    }

    @Test func `leaves alone what is in use or not a socket`() throws {
        let place = try Place()
        let listener = try UnixListener(path: place("s"), mode: 0o600)
        #expect { _ = try UnixListener(path: place("s"), mode: 0o600).path } throws: {
            ($0 as? Problem)?.code == .conflict
        }
        _ = try FileDescriptor.connect(unix: listener.path).number
        try place.write("file", "precious")
        #expect { _ = try UnixListener(path: place("file"), mode: 0o600).path } throws: {
            ($0 as? Problem)?.code == .conflict
        }
        #expect(try FileStatus.of(place("file"))?.size == 8)
    }

    @Test func `says when the path is too long`() throws {
        let place = try Place()
        let path = place(String(repeating: "x", count: 120))
        #expect { _ = try UnixListener(path: path, mode: 0o600).path } throws: {
            ($0 as? Problem)?.advice.contains("--run-dir") == true
        }
    }
}

@Suite struct `An address to listen at` {
    @Test(
        arguments: [
            ("127.0.0.1:80", .ipv4(0x7F00_0001, port: 80), true), ("localhost:0", .ipv4(0x7F00_0001, port: 0), true),
            ("[::1]:8080", .ipv6Loopback(port: 8080), true), ("unix:/run/x", .unix("/run/x"), true),
            ("off", .off, true),
            ("10.0.0.1:80", .ipv4(0x0A00_0001, port: 80), false), ("0.0.0.0:80", .ipv4(0, port: 80), false),
        ] as [(String, ListenAddress, Bool)])
    func `is read`(_ text: String, _ want: ListenAddress, _ local: Bool) throws {
        let address = try #require(ListenAddress(text))
        #expect(address == want && address.isLocal == local)
        if text != "localhost:0" { #expect(address.description == text) }
    }

    @Test(arguments: [
        "", "80", ":80", "host:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "1.2.3:4", "unix:",
        "1.2.3.4.5:6", "256.0.0.1:1", "[::2]:80",
    ])
    func `is refused when a resolver would have to decide`(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func `is bound on loopback`() throws {
        let listener = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let port = try required(listener.boundPort)
        _ = try FileDescriptor.connect(loopbackPort: port).number
        #expect { _ = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: port)).number } throws: {
            ($0 as? Problem)?.code == .conflict
        }
    }
}
