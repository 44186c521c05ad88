import Linux
import Rules

/// The program curl, as somebody would use it who does an exchange by hand.
enum Curl {
    static let program = ["/usr/bin/curl", "/usr/local/bin/curl"].first {
        ((try? FileStatus.of($0)) ?? nil) != nil
    }

    /// Runs curl with a configuration on its standard input, so that no secret is in its arguments; the nanoseconds it
    /// says the transfers took, connecting included and starting the program not.
    static func nanoseconds(_ configuration: String) throws -> Int64 {
        guard let program else { throw Problem(.notFound, "there is no curl", advice: "install the package curl") }
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            program, ["-q", "-s", "-K", "-"], environment: ["PATH=/usr/bin:/bin"],
            descriptors: [0: input.far.number, 1: output.far.number])
        try input.split { near, far in
            _ = consume far
            try near.send(Array(configuration.utf8), until: .after(seconds: 10))
        }
        let said = try output.split { near, far in
            _ = consume far
            return try near.readToEnd(atMost: 1 << 20)
        }
        guard try child.wait() == .exited(0) else { throw Problem(.internal, "curl failed") }
        let seconds = String(decoding: said, as: UTF8.self).split(separator: "\n").compactMap { line in
            line.hasPrefix("time ") ? Double(line.dropFirst(5)) : nil
        }
        return Int64(seconds.reduce(0, +) * 1e9)
    }
}

extension Subject {
    /// The exchange of a code by hand, with all that must be asked to know where the app was installed.
    func byHand(code: String, _ simulation: SimulatedPlatforms) throws -> String {
        let write = #"write-out = "\ntime %{time_total}\n""#
        switch platform {
        default:
            return """
                url = "\(simulation.base)/api/oauth.v2.access"
                user = "\(try field("client_id")):\(try field("client_secret"))"
                data-urlencode = "code=\(code)"
                data-urlencode = "redirect_uri=\(redirect)"
                data-urlencode = "grant_type=authorization_code"
                \(write)

                """
        }
    }
}
