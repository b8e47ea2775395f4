"""Made-up secrets of every built-in kind; none was ever anybody's.

Keys are put together here, so that no scanner takes them for real.
"""

KEYS = {
    "openai": "sk-" + "proj-aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1x",
    "anthropic": "sk-" + "ant-api03-aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1x-Yz0_AAbb",
    "deepseek": "sk-" + "0123456789abcdef0123456789abcdef",
    "aws": "AKIA" + "Z7Q2W3E4R5T6Y7U2",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "github fine": "github_pat_" + "11ABCDEFG0a1B2c3D4e5F6_g7H8i9J0k1L2m3N4",
    "gitlab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "slack": "xoxb-" + "123456789012-123456789012-a1B2c3D4e5F6",
    "google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "google oauth": "ya29." + "a0AfH6SMBx1y2z3a4b5c6d7e8f9",
    "groq": "gsk_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2",
    "hugging face": "hf_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7",
    "stripe": "sk_" + "live_a1B2c3D4e5F6g7H8",
    "sendgrid": "SG." + "a1B2c3D4e5F6g7H8i9J0" + ".a1B2c3D4e5F6g7H8i9J0k1L2",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}
PEM = (
    "-----BEGIN RSA PRIVATE "
    + "KEY-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmUDJRSsWbFUuS\n-----END RSA PRIVATE KEY-----"
)
CARDS = {
    "visa": "4111111111111111",
    "visa in groups": "4012 8888 8888 1881",
    "mastercard": "5555-5555-5555-4444",
    "mastercard of the twos": "2223003122003222",
    "amex": "378282246310005",
    "amex in groups": "3714 496353 98431",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "diners": "30569309025904",
    "unionpay of 19": "6205500000000000004",
}
EMAILS = ("john.doe@example.com", "a+b_c%d@mail.example.co.uk", "jürgen@müller.de", "x@xn--mller-kva.de", "o'neil@irish.ie")
PHONES = (
    "+14155552671",
    "+49 (0)30 123456",
    "+44 20 7946 0958",
    "+33 1 23 45 67 89",
    "0049 30 1234567",
    "(415) 555-2671",
    "415-555-2671",
    "415.555.2671",
    "1-415-555-2671",
    "01 23 45 67 89",
    "030 12345678",
    "0151/12345678",
    "020 7946 0958",
    "(030) 1234567",
)
