/// A Genesys Cloud region: the domain behind `api.` and `login.` (platforms, 4.11).
///
/// From a list and never a tenant's text: a host name of a tenant's choosing would have the courier call anything.
package enum GenesysRegion {
    /// Domain and AWS region.
    package static let known: [(domain: String, aws: String)] = [
        ("mypurecloud.com", "us-east-1"), ("usw2.pure.cloud", "us-west-2"), ("use2.us-gov-pure.cloud", "us-east-2"),
        ("cac1.pure.cloud", "ca-central-1"), ("mypurecloud.ie", "eu-west-1"), ("euw2.pure.cloud", "eu-west-2"),
        ("mypurecloud.de", "eu-central-1"), ("euc2.pure.cloud", "eu-central-2"), ("mxc1.pure.cloud", "mx-central-1"),
        ("sae1.pure.cloud", "sa-east-1"), ("mec1.pure.cloud", "me-central-1"), ("aps1.pure.cloud", "ap-south-1"),
        ("apne2.pure.cloud", "ap-northeast-2"), ("apne3.pure.cloud", "ap-northeast-3"),
        ("apse1.pure.cloud", "ap-southeast-1"), ("mypurecloud.com.au", "ap-southeast-2"),
        ("mypurecloud.jp", "ap-northeast-1"), ("edee1.eusc-pure.cloud", "eusc-de-east-1"),
    ]

    /// The domain `text` names, whether it is the domain, a host or address of it, or the AWS name; nil when it is none
    /// of the list and of `more`.
    package static func domain(in text: String, more: [String] = []) -> String? {
        var rest = Substring(text.lowercased().filter { !$0.isWhitespace })
        if let region = known.first(where: { $0.aws == rest }) { return region.domain }
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        rest = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" && $0 != "#" }
        for prefix in ["apps.", "api.", "login."] where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
        let domain = String(rest)
        return known.contains { $0.domain == domain } || more.contains(domain) ? domain : nil
    }
}
