import Glibc
import Rules
import Testing

@testable import Linux

@Suite struct `The owner of a TCP connection's other end` {
    private static let addresses: [ListenAddress] = [.ipv4(0x7F00_0001, port: 0), .ipv6Loopback(port: 0)]

    /// A listener, a client and what it was accepted as.
    private struct Connected: ~Copyable {
        var listener: FileDescriptor
        var client: FileDescriptor
        var server: FileDescriptor

        init(_ address: ListenAddress) throws {
            let listener = try FileDescriptor.listen(at: address)
            let client = try FileDescriptor.connect(to: listener.address(asked: address))
            server = try listener.accept(until: .after(seconds: 30))
            self.listener = listener
            self.client = client
        }

        var owner: UInt32? { SocketOwner.uid(atOtherEndOf: server.number) }
    }

    @Test(arguments: addresses)
    func `is who made the socket`(_ address: ListenAddress) throws {
        let connected = try Connected(address)
        let owner = connected.owner
        #expect(owner == getuid())
        // From the other side it is the same question.
        #expect(SocketOwner.uid(atOtherEndOf: connected.client.number) == getuid())
    }

    /// The kernel's own word for it: only root may give a socket to somebody else.
    @Test(.enabled(if: getuid() == 0, "not root"), arguments: addresses)
    func `is somebody else where the kernel says so`(_ address: ListenAddress) throws {
        let connected = try Connected(address)
        try #require(fchown(connected.client.number, 1001, 1001) == 0)
        #expect(connected.owner == 1001)
        #expect(SocketOwner.uid(atOtherEndOf: connected.client.number) == 0)
    }

    @Test func `is known where an IPv6 socket is connected by IPv4`() throws {
        let address = ListenAddress.ipv4(0x7F00_0001, port: 0)
        let listener = try FileDescriptor.listen(at: address)
        let bound = listener.boundPort
        let port = try #require(bound)
        let client = FileDescriptor(owning: socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0))
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        unsafe inet_pton(AF_INET6, "::ffff:127.0.0.1", &name.sin6_addr)
        let result = unsafe withUnsafePointer(to: &name) { name in
            unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(client.number, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        try #require(result == 0)
        let server = try listener.accept(until: .after(seconds: 30))
        #expect(SocketOwner.uid(atOtherEndOf: server.number) == getuid())
    }

    @Test func `still counts where it has only stopped writing`() throws {
        let connected = try Connected(Self.addresses[0])
        _ = shutdown(connected.client.number, Int32(SHUT_WR))
        #expect(connected.owner == getuid())
    }

    /// The kernel would call it root's.
    @Test(arguments: addresses)
    func `is nobody once it is closed`(_ address: ListenAddress) throws {
        let listener = try FileDescriptor.listen(at: address)
        let number = try FileDescriptor.connect(to: listener.address(asked: address)).release()
        let server = try listener.accept(until: .after(seconds: 30))
        #expect(SocketOwner.uid(atOtherEndOf: server.number) == getuid())
        _ = close(number)
        #expect(SocketOwner.uid(atOtherEndOf: server.number) == nil)
    }

    @Test func `is nobody at what is no TCP connection`() throws {
        let pair = try SocketPair(.stream)
        #expect(SocketOwner.uid(atOtherEndOf: pair.near.number) == nil)
        let listener = try FileDescriptor.listen(at: Self.addresses[0])
        #expect(SocketOwner.uid(atOtherEndOf: listener.number) == nil)
        #expect(SocketOwner.uid(atOtherEndOf: -1) == nil)
    }
}
