import FoundationEssentials
import Linux
import Rules

/// The program curl, as somebody would use it who does an exchange by hand.
enum Curl {
    static let program = ["/usr/bin/curl", "/usr/local/bin/curl"].first {
        ((try? FileStatus.of($0)) ?? nil) != nil
    }

    /// Runs curl with a configuration on its standard input, so that no secret is in its arguments: the answer's JSON,
    /// and the nanoseconds curl says it took, connecting included and starting the program not.
    static func call(_ configuration: String) throws -> (answer: Told, nanoseconds: Int64) {
        guard let program else { throw Problem(.notFound, "there is no curl", advice: "install the package curl") }
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            program, ["-q", "-s", "-K", "-"], environment: ["PATH=/usr/bin:/bin"],
            descriptors: [0: input.far.number, 1: output.far.number])
        try input.split { near, far in
            _ = consume far
            try near.send(
                Array((configuration + "\nwrite-out = \"\\n%{time_total}\"\n").utf8), until: .after(seconds: 10))
        }
        let said = try output.split { near, far in
            _ = consume far
            return try near.readToEnd(atMost: 1 << 20)
        }
        let parts = said.split(separator: 0x0A)
        guard try child.wait() == .exited(0), parts.count == 2, let answer = Told(Array(parts[0])),
            let seconds = Double(String(decoding: parts[1], as: UTF8.self))
        else { throw Problem(.internal, "curl failed") }
        return (answer, Int64(seconds * 1e9))
    }
}

extension Subject {
    /// The verifier of RFC 7636, appendix B, and its challenge: by hand nobody makes a new one each time either.
    private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    /// The page that `begin` gave, but with a challenge whose verifier is known here.
    func handMade(_ url: String) -> String {
        guard let range = url.firstRange(of: "code_challenge=") else { return url }
        return url[..<range.upperBound] + Self.challenge + url[range.upperBound...].drop { $0 != "&" }
    }

    /// The exchange of a code by hand, with all that must be asked to know where the app was installed; its duration.
    func exchangeByHand(code: String, _ simulation: SimulatedPlatforms) throws -> Int64 {
        switch platform {
        case "slack":
            let (answer, took) = try Curl.call(
                """
                url = "\(simulation.base)/api/oauth.v2.access"
                user = "\(try field("client_id")):\(try field("client_secret"))"
                data-urlencode = "code=\(code)"
                data-urlencode = "redirect_uri=\(redirect)"
                data-urlencode = "grant_type=authorization_code"
                """)
            guard answer["access_token"]?.text != nil else { throw Self.noToken }
            return took
        case "genesys":
            let login = "\(simulation.base)/genesys/\(try field("region"))"
            let (answer, took) = try Curl.call(
                """
                url = "\(login)/login/oauth/token"
                user = "\(try field("client_id")):\(try field("client_secret"))"
                data-urlencode = "code=\(code)"
                data-urlencode = "redirect_uri=\(redirect)"
                data-urlencode = "code_verifier=\(Self.verifier)"
                data-urlencode = "grant_type=authorization_code"
                """)
            return took + (try ask("\(login)/api/api/v2/users/me?expand=organization", answer))
        default:
            let open = "\(simulation.base)/\(platform)/open-apis"
            let body =
                #"{"grant_type":"authorization_code","client_id":"\#(appID)","client_secret":"\#(try field("app_secret"))","#
                + #""code":"\#(code)","redirect_uri":"\#(redirect)","code_verifier":"\#(Self.verifier)"}"#
            let quoted = body.replacing("\"", with: "\\\"")
            let (answer, took) = try Curl.call(
                """
                url = "\(open)/authen/v2/oauth/token"
                header = "Content-Type: application/json; charset=utf-8"
                data = "\(quoted)"
                """)
            return took + (try ask("\(open)/authen/v1/user_info", answer))
        }
    }

    /// A second call with the token that came, where only it says who and where that is.
    private func ask(_ url: String, _ given: Told) throws -> Int64 {
        guard let token = given["access_token"]?.text else { throw Self.noToken }
        return try Curl.call(
            """
            url = "\(url)"
            header = "Authorization: Bearer \(token)"
            """
        ).nanoseconds
    }

    private static let noToken = Problem(.internal, "the exchange by hand gave no token")
}
