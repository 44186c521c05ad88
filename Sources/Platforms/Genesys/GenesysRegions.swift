package import Rules

/// Genesys Cloud's regions (platforms, 4.11), and those an operator added: the only hosts an app of ours can be at.
///
/// A tenant names a region and never a host, so nobody makes the courier call an address of their choice.
package struct GenesysRegions: Sendable, Equatable {
    /// A domain of Genesys Cloud and the name Amazon has for where it is.
    package struct Region: Sendable, Equatable {
        /// Such as `mypurecloud.de`: logins are at `login.` and calls at `api.` before it.
        package let domain: String
        /// Such as `eu-central-1`; empty for one an operator added.
        package let place: String
    }

    /// The list of platforms 4.11.
    package static let standard = [
        Region(domain: "mypurecloud.com", place: "us-east-1"), Region(domain: "usw2.pure.cloud", place: "us-west-2"),
        Region(domain: "use2.us-gov-pure.cloud", place: "us-east-2"),
        Region(domain: "cac1.pure.cloud", place: "ca-central-1"), Region(domain: "mypurecloud.ie", place: "eu-west-1"),
        Region(domain: "euw2.pure.cloud", place: "eu-west-2"), Region(domain: "mypurecloud.de", place: "eu-central-1"),
        Region(domain: "euc2.pure.cloud", place: "eu-central-2"),
        Region(domain: "mxc1.pure.cloud", place: "mx-central-1"), Region(domain: "sae1.pure.cloud", place: "sa-east-1"),
        Region(domain: "mec1.pure.cloud", place: "me-central-1"),
        Region(domain: "aps1.pure.cloud", place: "ap-south-1"),
        Region(domain: "apne2.pure.cloud", place: "ap-northeast-2"),
        Region(domain: "apne3.pure.cloud", place: "ap-northeast-3"),
        Region(domain: "apse1.pure.cloud", place: "ap-southeast-1"),
        Region(domain: "mypurecloud.com.au", place: "ap-southeast-2"),
        Region(domain: "mypurecloud.jp", place: "ap-northeast-1"),
        Region(domain: "edee1.eusc-pure.cloud", place: "eusc-de-east-1"),
    ]

    /// Every region of this installation of Postern.
    package let all: [Region]

    /// The standard ones and `more`, each a domain an operator wrote. Throws `bad_request` for what is no domain name.
    package init(adding more: [String] = []) throws(Problem) {
        for domain in more where !Self.isDomain(domain) {
            throw Problem(
                .badRequest, "--genesys-region takes a domain name such as usw2.pure.cloud",
                advice: "lower-case letters, digits, hyphens and at least one dot; no scheme, port or path")
        }
        all = Self.standard + more.map { Region(domain: $0, place: "") }
    }

    /// The standard ones.
    package static let known = GenesysRegions(all: standard)

    private init(all: [Region]) { self.all = all }

    /// The region's domain for what somebody typed: a domain, a host or address of it, or Amazon's name for the place;
    /// nil for everything that is not on the list.
    package func domain(in text: String) -> String? {
        var rest = Substring(text.lowercased().filter { !$0.isWhitespace })
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        rest = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" && $0 != "#" }
        if let exact = all.first(where: { $0.domain == rest || $0.place == rest && !rest.isEmpty }) {
            return exact.domain
        }
        for host in ["login.", "api.", "apps."] where rest.hasPrefix(host) {
            if let found = all.first(where: { $0.domain == rest.dropFirst(host.count) }) { return found.domain }
        }
        return nil
    }

    /// The same; throws `bad_request`, with the list, for what is not on it.
    package func domain(_ text: String) throws(Problem) -> String {
        if let found = domain(in: text) { return found }
        throw Problem(
            .badRequest, "this is not a Genesys Cloud region",
            advice:
                "one of: \(all.map(\.domain).joined(separator: " ")); an operator can add others by --genesys-region")
    }

    /// Whether `domain` is on the list, exactly.
    func has(_ domain: String) -> Bool { all.contains { $0.domain == domain } }

    /// Letters, digits and hyphens in at least two labels (RFC 1123, section 2.1), the last one no number.
    private static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, text.utf8.count <= 253, labels.last?.utf8.contains(where: isLetter) == true else {
            return false
        }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
}
