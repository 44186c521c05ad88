import Rules

/// Refuses secrets in arguments: every user of the machine sees them in the process list, and the shell keeps them.
enum SecretOnCommandLine {
    /// Prefixes that only a Slack token has (platforms, section 1.1).
    private static let prefixes = ["xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxe-", "xoxe.", "xapp-", "xwfp-"]
    private static let names = ["value", "secret", "token", "password", "passphrase", "credential", "credentials"]

    static func isSecretOption(_ name: String) -> Bool {
        let name = name.lowercased().replacing("-", with: "_")
        return names.contains(name) || SecretKind(rawValue: name) != nil
    }

    /// Looks at every word, also at those inside `--name=value`.
    static func refuse(_ words: ArraySlice<String>) throws(Failure) {
        for word in words {
            let values = word.split(separator: "=", omittingEmptySubsequences: true)
            for value in values where prefixes.contains(where: { value.hasPrefix($0) }) {
                throw failure("a Slack token")
            }
            if word.contains("hooks.slack.com/services/") { throw failure("an incoming webhook URL") }
        }
    }

    static func failure(_ what: String) -> Failure {
        Failure.usage(
            "\(what) on the command line is refused: other users see it in the process list, and the shell keeps it",
            next:
                "let postern ask, or use - (standard input), --from-file or --from-fd; if the value was real, rotate it"
        )
    }
}
