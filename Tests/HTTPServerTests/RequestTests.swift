import HTTPServer
import Testing

@Suite struct `A request` {
    @Test func `arrives as it was sent, escapes and duplicates included`() throws {
        let server = try TestServer { request in
            let headers = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
            return text(
                "\(request.method) \(request.target) \(request.path) \(request.rawQuery ?? "-") "
                    + "\(request.query("q") ?? "-") \(request.header("x-one") ?? "-") \(headers);")
        }
        let wire = Wire(server.path)
        wire.say("GET /a%2Fb?q=x%20y+z&q=2 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\n\r\n")
        let heard = wire.hear(until: ";")
        #expect(
            heard.hasSuffix("GET /a%2Fb?q=x%20y+z&q=2 /a%2Fb q=x%20y+z&q=2 x y z 1 Host=h|X-One=1|x-one=2;"),
            "\(heard)")
    }

    @Test func `keeps its connection's context, and several may come at once`() throws {
        let server = try TestServer { request in
            let guest = request.context(as: Guest.self)
            guest.requests.add()
            return text("\(guest.requests.value):\(request.body.byteCount)\(request.descriptor == guest.descriptor);")
        }
        let wire = Wire(server.path)
        let post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        wire.say(post + post + "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let heard = wire.hear(until: "3:0true;")
        #expect(heard.contains("1:3true;") && heard.contains("2:3true;") && heard.contains("3:0true;"), "\(heard)")
    }
}
