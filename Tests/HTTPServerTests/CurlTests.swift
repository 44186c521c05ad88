import Glibc
import HTTPServer
import Linux
import Testing

/// What the curl program prints for these arguments.
private func curl(_ arguments: String) throws -> String {
    var template = Array("/tmp/postern-curl-XXXXXX".utf8CString)
    let directory = unsafe String(cString: mkdtemp(&template))
    defer { _ = unsafe system("rm -rf \(directory)") }
    let status = unsafe system(
        "cd \(directory) && head -c 3000000 /dev/zero >big && head -c 1000000 /dev/zero >fits && "
            + "curl -sS --max-time 20 \(arguments) >out 2>&1")
    let out = try FileDescriptor.open(directory + "/out", .read).readToEnd(atMost: 1 << 20)
    return "\(status >> 8) \(String(decoding: out, as: UTF8.self))"
}

@Suite struct `The curl program` {
    @Test(
        arguments: [
            ("http://h/v1/health", "0 GET /v1/health 0 200"),
            ("-X DELETE http://h/a%2Fb", "0 DELETE /a%2Fb 0 200"),
            ("-d abc http://h/", "0 POST / 3 200"),
            ("-T fits http://h/", "0 PUT /fits 1000000 200"),
            ("-H 'Transfer-Encoding: chunked' --data-binary @fits http://h/", "0 POST / 1000000 200"),
            ("-H 'Expect: 100-continue' --data-binary @fits http://h/", "0 POST / 1000000 200"),
            ("--data-binary @big http://h/", "0 {\"code\":\"too_large\"} 413"),
            ("-H 'Expect:' --data-binary @big http://h/", "0 {\"code\":\"too_large\"} 413"),
            (
                "-H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary @big http://h/",
                "0 {\"code\":\"too_large\"} 413"
            ),
            ("--http1.0 http://h/", "0 GET / 0 200"),
            ("-I http://h/", nil),
        ] as [(String, String?)])
    func `gets its answer`(_ arguments: String, _ want: String?) throws {
        let server = try TestServer { request in text("\(request.method) \(request.target) \(request.body.byteCount)") }
        let got = try curl("--unix-socket \(server.path) -w ' %{http_code}' \(arguments)")
        if let want { #expect(got == want) } else { #expect(got.hasPrefix("0 HTTP/1.1 200 OK")) }
    }

    @Test func `is told that there are too many connections`() throws {
        var limits = HTTPServer.Limits()
        limits.connections = 0
        let server = try TestServer(limits: limits) { _ in text("never") }
        #expect(
            try curl("--unix-socket \(server.path) -w ' %{http_code}' http://h/")
                == "0 {\"code\":\"too_many_connections\"} 503")
    }

    @Test func `uses one connection for many requests`() throws {
        let server = try TestServer { request in
            let guest = request.context(as: Guest.self)
            guest.requests.add()
            return text("\(guest.requests.value) ")
        }
        #expect(try curl("--unix-socket \(server.path) http://h/1 http://h/2 http://h/3") == "0 1 2 3 ")
    }
}
