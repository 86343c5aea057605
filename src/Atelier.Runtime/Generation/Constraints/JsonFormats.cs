namespace Atelier.Generation.Constraints;

/// <summary>
/// The supported values of the keyword "format": dates and times (RFC 3339), UUIDs (RFC 4122) and IPv4 addresses.
/// </summary>
internal static class JsonFormats
{
    // Years 0001 to 9999. A year is a leap year if it is divisible by 4 but not by 100, or if it is divisible by 400.
    private const string Year = @"(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])";
    private const string LeapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
    private const string LongMonth = @"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01]))";
    private const string ShortMonth = @"(?:(?:0[469]|11)-(?:0[1-9]|[12]\d|30))";
    private const string MonthAndDay = $@"(?:{LongMonth}|{ShortMonth}|02-(?:0[1-9]|1\d|2[0-8]))";

    private static readonly Expression Date = Read($"{Year}-{MonthAndDay}|{LeapYear}-02-29");

    // Offsets from UTC are at most 14 hours, which covers those in use and is what .NET can parse.
    private const string Offset = @"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))";
    private static readonly Expression Time = Read($@"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,6}})?{Offset}");

    private static readonly Dictionary<string, Expression> Formats = new()
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = Expression.Of(Date, Expression.Literal("T"), Time),
        ["uuid"] = Read("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ["ipv4"] = Read(@"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"),
    };

    /// <summary>The names of the formats.</summary>
    public static IReadOnlyCollection<string> Names => Formats.Keys;

    /// <summary>Returns an expression for the values of a format, or null if the format is not supported.</summary>
    public static Expression? Find(string name) => Formats.GetValueOrDefault(name);

    private static Expression Read(string pattern) => RegexParser.Parse(pattern, whole: true);
}
