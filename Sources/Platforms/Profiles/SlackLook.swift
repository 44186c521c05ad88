/// How a Slack app made from a manifest looks (platforms, 1.10 for the limits and 5.1 for the values).
package struct SlackLook: Sendable {
    /// 1 to 35 characters.
    package let name: String
    /// 1 to 140 characters.
    package let description: String
    /// 176 to 4000 characters.
    package let longDescription: String
    /// `#` and six hex digits.
    package let color: String
    /// 1 to 80 characters.
    package let botName: String
    /// Whether the app has a home tab.
    package let hasHome: Bool
    /// Whether people can only read the messages tab.
    package let messagesAreReadOnly: Bool
    package let hasIncomingWebhook: Bool
}
