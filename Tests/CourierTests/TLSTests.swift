import Errands
import Linux
import Testing

/// `openssl s_server` with a certificate for 127.0.0.1 that it signed itself.
final class SelfSigned: Sendable {
    let port: UInt16
    let certificate: String
    private let scratch: Scratch
    private let child: ChildProcess

    init() throws {
        scratch = try Scratch()
        certificate = scratch.file("cert.pem")
        port = try { try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)).boundPort ?? 0 }()
        Shell.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", scratch.file("key.pem"),
                "-out", certificate,
            ])
        let nowhere = try FileDescriptor.open("/dev/null", .readWrite)
        child = try ChildProcess.start(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", scratch.file("key.pem"),
                "-www", "-quiet",
            ], descriptors: [0: nowhere.number, 1: nowhere.number, 2: nowhere.number])
        let port = port
        #expect(eventually { (try? FileDescriptor.connect(loopbackPort: port)) != nil })
    }

    deinit {
        child.send(signal: 9)
        _ = try? child.wait()
    }
}

@Suite(.enabled(if: Shell.exists("/usr/bin/openssl"), "the openssl program is not installed: TLS is not tried"))
struct `Over TLS the courier` {
    @Test func `refuses a certificate that nobody vouches for`() throws {
        let server = try SelfSigned()
        let courier = try LiveCourier()
        let outcome = courier.get("https://127.0.0.1:\(server.port)/")
        #expect(outcome.unreachable == .tls)
        guard case .failed(_, mayHaveBeenSent: false) = outcome else {
            Issue.record("counts as possibly sent")
            return
        }
    }

    @Test func `accepts one it was told to trust, from inside its confinement`() throws {
        let server = try SelfSigned()
        let courier = try LiveCourier(environment: ["SSL_CERT_FILE=\(server.certificate)"])
        let outcome = courier.get("https://127.0.0.1:\(server.port)/")
        #expect(outcome.answer?.status == 200, "\(outcome) \(courier.log)")
    }

    @Test func `refuses a trusted one for another name`() throws {
        let server = try SelfSigned()
        let courier = try LiveCourier(environment: ["SSL_CERT_FILE=\(server.certificate)"])
        #expect(courier.get("https://localhost:\(server.port)/").unreachable == .tls)
    }
}
