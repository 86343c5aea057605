using System.Security.Cryptography;

namespace Atelier.Server.Api;

/// <summary>Names of answers and files that nobody can guess.</summary>
internal static class Identifiers
{
    private const int Bytes = 16;

    /// <summary>Returns a new one of 32 hexadecimal digits.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));
}
