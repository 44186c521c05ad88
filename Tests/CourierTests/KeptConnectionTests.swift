import Errands
import Linux
import Rules
import Synchronization
import Testing

/// A platform that keeps connections, until it does not.
private final class FickleServer: Sendable {
    /// When it closes a connection, after its first answer there.
    enum Whim: Sendable {
        /// At once, while nobody uses it.
        case idle
        /// When the next request has arrived, which gets no answer.
        case unanswered
    }

    let port: UInt16
    private let listening: FileDescriptor
    private let seen = Mutex<[String]>([])

    init(_ whim: Whim) throws {
        listening = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = listening.boundPort ?? 0
        let copy = try listening.duplicate().release()
        try Thread.start(name: "fickle") { [weak self] in
            let listening = FileDescriptor(owning: copy)
            var isFirst = true
            while let socket = try? listening.accept() {
                while let head = Self.head(socket) {
                    self?.note(head)
                    try? socket.send(
                        Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8), until: .after(seconds: 30))
                    guard isFirst else { continue }
                    isFirst = false
                    if whim == .unanswered, let next = Self.head(socket) { self?.note(next) }
                    break
                }
            }
        }
    }

    deinit { listening.shutDown() }

    private func note(_ head: String) { seen.withLock { $0.append(head) } }

    private static func head(_ socket: borrowing FileDescriptor) -> String? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let byte = try? socket.receive(exactly: 1, until: .after(seconds: 20)), !byte.isEmpty else {
                return nil
            }
            head += byte
        }
        return String(String(decoding: head, as: UTF8.self).prefix { $0 != " " })
    }

    /// The methods of the requests that arrived.
    var methods: [String] { seen.withLock { $0 } }
}

@Suite struct `A connection to a platform that was kept` {
    private static func pass(_ courier: LiveCourier, _ method: String, _ port: UInt16) -> Result<Int, Problem> {
        do throws(Problem) {
            let passage = try courier.keeper.pass(
                PassageAsk(
                    method: method, url: "http://127.0.0.1:\(port)/api/chat.postMessage", headers: [],
                    timeoutSeconds: 10, mayRepeat: method == "GET"), body: [], courier.keeper.turn(of: 1))
            defer { passage.end() }
            return .success(try passage.answer(until: .after(seconds: 20)).status)
        } catch { return .failure(error) }
    }

    @Test(arguments: ["GET", "POST"])
    func `and closed while idle costs no call`(_ method: String) throws {
        let server = try FickleServer(.idle)
        let courier = try LiveCourier()
        for _ in 0..<3 { #expect(Self.pass(courier, method, server.port) == .success(200)) }
        #expect(server.methods == [method, method, method])
    }

    /// Whether the platform did what it was asked nobody knows, so it is not asked again.
    @Test func `and closed under a POST is an honest error, and the POST is made once`() throws {
        let server = try FickleServer(.unanswered)
        let courier = try LiveCourier()
        #expect(Self.pass(courier, "POST", server.port) == .success(200))
        guard case .failure(let problem) = Self.pass(courier, "POST", server.port) else {
            Issue.record("the POST was answered")
            return
        }
        #expect(problem.code == .platformUnreachable)
        #expect(server.methods == ["POST", "POST"])
        #expect(Self.pass(courier, "POST", server.port) == .success(200))
        #expect(server.methods.count == 3)
    }

    @Test func `and closed under a GET is replaced, and the GET made again`() throws {
        let server = try FickleServer(.unanswered)
        let courier = try LiveCourier()
        for _ in 0..<2 { #expect(Self.pass(courier, "GET", server.port) == .success(200)) }
        #expect(server.methods == ["GET", "GET", "GET"])
    }
}
