using System.Collections.Concurrent;

namespace Atelier.Generation.Constraints;

/// <summary>
/// The supported values of the keyword "format". Every text is valid; not every valid text can be generated: host names
/// are of ASCII and have at most four labels; addresses of mail have host names with a point, and no comments or
/// quotes; URIs have host names, or addresses of the Internet Protocol, as hosts. A URI is an IRI too, and likewise for
/// the other international formats.
/// </summary>
internal static class JsonFormats
{
    /// <summary>The name of the format of contentEncoding base64 (RFC 4648, section 4), and OpenAPI's name for it.
    /// </summary>
    public const string Base64 = "byte";

    // Years 0001 to 9999. A year is a leap year if it is divisible by 4 but not by 100, or if it is divisible by 400.
    private const string Year = @"(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])";
    private const string LeapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
    private const string LongMonth = @"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01]))";
    private const string ShortMonth = @"(?:(?:0[469]|11)-(?:0[1-9]|[12]\d|30))";
    private const string MonthAndDay = $@"(?:{LongMonth}|{ShortMonth}|02-(?:0[1-9]|1\d|2[0-8]))";
    private const string Date = $"(?:{Year}-{MonthAndDay}|{LeapYear}-02-29)";

    // Offsets from UTC are at most 14 hours, which covers those in use and is what .NET can parse.
    private const string Offset = @"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))";
    private const string Time = $@"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,6}})?{Offset}";

    private const string DurationTime = @"T(?:\d{1,4}H(?:\d{1,4}M(?:\d{1,4}S)?)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S)";
    private const string DurationDate = @"(?:\d{1,4}Y(?:\d{1,4}M(?:\d{1,4}D)?)?|\d{1,4}M(?:\d{1,4}D)?|\d{1,4}D)";
    private const string Duration = $@"P(?:\d{{1,4}}W|{DurationDate}(?:{DurationTime})?|{DurationTime})";

    // At most 61 characters in a label (RFC 1034: 63) and 247 in all (253). Two hyphens in a row are left out, since
    // in the third and fourth place they announce an encoded label (RFC 5891).
    private const string Label = "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,30}";
    private const string HostName = $@"{Label}(?:\.{Label}){{0,3}}";
    private const string Atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]";
    private const string Email = $@"{Atom}(?:\.?{Atom}){{0,31}}@{Label}(?:\.{Label}){{1,3}}";

    private const string Byte = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string Ipv4 = $@"(?:{Byte}\.){{3}}{Byte}";
    private const string Group = "[0-9A-Fa-f]{1,4}";

    // Groups of RFC 4291, section 2.2, of which "::" stands for one or more, with an address of version 4 at the end.
    private const string Ipv6 = $"(?:(?:{Group}:){{7}}{Group}|(?:{Group}:){{1,7}}:|(?:{Group}:){{1,6}}:{Group}"
        + $"|(?:{Group}:){{1,5}}(?::{Group}){{1,2}}|(?:{Group}:){{1,4}}(?::{Group}){{1,3}}"
        + $"|(?:{Group}:){{1,3}}(?::{Group}){{1,4}}|(?:{Group}:){{1,2}}(?::{Group}){{1,5}}|{Group}:(?::{Group}){{1,6}}"
        + $"|:(?::{Group}){{1,7}}|::|(?:{Group}:){{6}}{Ipv4}|::(?:{Group}:){{0,5}}{Ipv4})";

    // The grammar of RFC 3986, appendix A
    private const string SegmentCharacter = @"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})";
    private const string SegmentWithoutColon = @"(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|%[0-9A-Fa-f]{2})+";
    private const string Segments = $"(?:/{SegmentCharacter}*)*";
    private const string Further = $@"(?:\?(?:{SegmentCharacter}|[/?])*)?(?:#(?:{SegmentCharacter}|[/?])*)?";
    private const string Authority = $@"//(?:{HostName}|\[{Ipv6}\])(?::\d{{1,4}})?{Segments}";
    private const string RootedPath = $"/(?:{SegmentCharacter}+{Segments})?";
    private const string Uri = $@"[A-Za-z][A-Za-z0-9+.\-]{{0,15}}:(?:{Authority}|{RootedPath}"
        + $"|{SegmentCharacter}+{Segments}){Further}";
    private const string UriReference =
        $"(?:{Uri}|(?:{Authority}|{RootedPath}|{SegmentWithoutColon}{Segments})?{Further})";

    private const string Pointer = "(?:/(?:[^~/]|~[01])*)*"; // RFC 6901

    private static readonly Dictionary<string, string> Patterns = new()
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = $"{Date}T{Time}",
        ["duration"] = Duration,
        ["uuid"] = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        ["email"] = Email,
        ["idn-email"] = Email,
        ["hostname"] = HostName,
        ["idn-hostname"] = HostName,
        ["ipv4"] = Ipv4,
        ["ipv6"] = Ipv6,
        ["uri"] = Uri,
        ["iri"] = Uri,
        ["uri-reference"] = UriReference,
        ["iri-reference"] = UriReference,
        ["json-pointer"] = Pointer,
        ["relative-json-pointer"] = $@"(?:0|[1-9]\d{{0,3}})(?:#|{Pointer})",
        [Base64] = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?",
    };

    private static readonly ConcurrentDictionary<string, Expression> Formats = [];

    /// <summary>The names of the formats of strings.</summary>
    public static IReadOnlyCollection<string> Names => Patterns.Keys;

    /// <summary>Returns an expression for the values of a format, or null if the format is not supported.</summary>
    public static Expression? Find(string name) => Patterns.TryGetValue(name, out string? pattern)
        ? Formats.GetOrAdd(name, _ => RegexParser.Parse(pattern, whole: true)) : null;

    /// <summary>Returns what OpenAPI's formats of numbers state, or null if it is none of them.</summary>
    public static NumberFacts? FindNumber(string name) => name switch
    {
        "int32" => Integers(int.MinValue, int.MaxValue),
        "int64" => Integers(long.MinValue, long.MaxValue),
        "float" or "double" => new NumberFacts(),
        _ => null,
    };

    private static NumberFacts Integers(decimal low, decimal high) => new()
    {
        IsInteger = true, Low = new DecimalBound(low, false), High = new DecimalBound(high, false),
    };
}
