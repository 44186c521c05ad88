import Linux

/// Which runtime shape the server should have, by throughput and latency of a bare answer of 200 bytes.
enum Shape {
    static func run(_ options: Options) throws -> Report {
        var report = Report(title: "shape, 200-byte answer over a Unix socket", rounds: options.rounds)
        let directory = try TemporaryDirectory(in: options.directory)
        defer { directory.remove() }
        let shapes: [(Bare.Shape, String)] = [
            (.threads, "thread per connection"), (.pool, "epoll pool, answering at once"),
            (.suspending, "epoll pool, suspending"),
        ]
        let request = [Array("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)]
        for clients in options.clients ?? [1, 16, 64, 256] {
            let children = try shapes.map { shape, _ in
                try Bare.start(path: "\(directory.path)/\(shape.rawValue)-\(clients)", body: 200, shape: shape)
            }
            defer { for child in children { child.end() } }
            let contenders = shapes.map { shape, name in
                Contender("\(clients) clients, \(name)") {
                    try Load.drive(
                        "\(directory.path)/\(shape.rawValue)-\(clients)", clients: clients, seconds: options.seconds,
                        requests: request)
                }
            }
            let results = try interleave(contenders, rounds: options.rounds) {
                options.note("\(clients) clients, round \($0) of \(options.rounds)")
            }
            for result in results { report.add(result) }
            for other in results.dropFirst() {
                report.figures.append(
                    Report.Figure(
                        "\(results[0].name) / \(other.name)", unit: "x", results[0].throughput / other.throughput))
            }
        }
        return report
    }
}
