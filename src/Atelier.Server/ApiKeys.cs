using System.Security.Cryptography;
using System.Text;
using Atelier.Formats;

namespace Atelier.Server;

/// <summary>
/// The keys that a server accepts. Only their SHA-256 is held and stored, and keys are compared in constant time.
/// </summary>
public sealed class ApiKeys
{
    private const int KeyBytes = 32;
    private const string Prefix = "atelier-";
    private readonly (string Name, byte[] Hash)[] _keys;

    private ApiKeys(IEnumerable<(string Name, byte[] Hash)> keys) => _keys = [.. keys];

    /// <summary>No keys.</summary>
    public static ApiKeys None { get; } = new([]);

    /// <summary>The number of keys.</summary>
    public int Count => _keys.Length;

    /// <summary>Returns keys that are given themselves, named key-1, key-2 and so on.</summary>
    /// <param name="keys">The keys, each of at least 16 characters.</param>
    /// <exception cref="AtelierException">A key is too short to be safe.</exception>
    public static ApiKeys Of(params IEnumerable<string> keys) => new([.. keys.Select((key, i) =>
    {
        const int shortest = 16;
        return key.Length >= shortest
            ? (FormattableString.Invariant($"key-{i + 1}"), HashOf(key))
            : throw new AtelierException($"key {i + 1} has only {key.Length} characters",
                hint: $"use at least {shortest}");
    })]);

    /// <summary>
    /// Reads a file of hashed keys: on each line a name, a space, and the SHA-256 of the key in hexadecimal digits.
    /// Empty lines and lines that begin with # are comments.
    /// </summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="AtelierException">The file cannot be read or a line has another form.</exception>
    public static ApiKeys Read(string path)
    {
        var keys = new List<(string, byte[])>();
        foreach ((int i, string line) in Lines(path).Index())
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            keys.Add(parts is [var name, { Length: 2 * SHA256.HashSizeInBytes } digits]
                && digits.All(char.IsAsciiHexDigit)
                ? (name, Convert.FromHexString(digits))
                : throw new AtelierException("is no name and SHA-256 of a key",
                    FormattableString.Invariant($"{path}:{i + 1}"), "add keys with the server's own command"));
        }
        return new ApiKeys(keys);
    }

    /// <summary>Creates a key and adds its name and hash to a file, which is created if there is none.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="name">The name of the key in logs, without spaces.</param>
    /// <returns>The key, which is stored nowhere.</returns>
    /// <exception cref="AtelierException">The name is empty, has spaces or occurs in the file, or the file cannot be
    /// written.</exception>
    public static string Create(string path, string name)
    {
        if (name.Length == 0 || name.Any(char.IsWhiteSpace) || name[0] == '#')
            throw new AtelierException($"'{name}' is no name of a key", hint: "use letters, digits and hyphens");
        bool exists = File.Exists(path);
        if (exists && Read(path)._keys.Any(key => key.Name == name))
            throw new AtelierException($"there is a key '{name}' already", path, "use another name");
        string key = Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));
        string before = exists ? string.Join('\n', Lines(path)).TrimEnd() + "\n" : "# name, SHA-256 of the key\n";
        string content = before + $"{name} {Convert.ToHexStringLower(HashOf(key))}\n";
        AtomicFile.WriteText(path, content);
        return key;
    }

    /// <summary>Returns the name of a key; null if it is not accepted. Takes the same time for any key.</summary>
    /// <param name="key">The key that a request presents; null for none.</param>
    public string? NameOf(string? key)
    {
        byte[] hash = HashOf(key ?? "");
        string? found = null;
        foreach ((string name, byte[] known) in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known))
                found = name;
        }
        return key is null ? null : found;
    }

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static string[] Lines(string path) =>
        [.. InputFile.ReadAllText(path).ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim())];
}
