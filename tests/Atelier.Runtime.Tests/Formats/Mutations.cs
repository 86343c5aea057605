using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>Files spoiled in ways that are a function of a seed, and what a reader may do with them.</summary>
internal static class Mutations
{
    /// <summary>What opening a small file may take on the heap beyond the file's own size.</summary>
    public const long Constant = 1 << 20;

    private static readonly long[] Extremes =
        [0, -1, 1, 31, 33, 1 << 20, int.MaxValue, int.MinValue, 1L << 32, 1L << 60, long.MaxValue, long.MinValue,
            BitConverter.SingleToInt32Bits(float.NaN)];

    private static readonly string[] JsonExtremes =
    [
        "-1", "0", "1e999", "-1e999", "1152921504606846976", "9223372036854775807", "99999999999999999999999999", "0.5",
            "null", "true", "[]", "{}", "\"\"",
        "\"\\u0000\"", "\"\\ud800\"", string.Concat(Enumerable.Repeat("[", 200)),
            string.Concat(Enumerable.Repeat("{\"a\":", 200)), new string('9', 400), "NaN", "\"q\",",
    ];

    /// <summary>
    /// Reads so many spoiled versions of a file: each gives an <see cref="AtelierException"/> that says where, or is
    /// read;
    /// none takes a second, or more of the heap than its size and <see cref="Constant"/>.
    /// </summary>
    /// <returns>How many were refused.</returns>
    public static int Try(int count, byte[] good, string path, bool isJson, Action read)
    {
        int refused = 0;
        for (int seed = 0; seed < count; seed++)
        {
            byte[] bad = isJson ? SpoilJson(good, seed) : SpoilBytes(good, seed);
            File.WriteAllBytes(path, bad);
            // The machine may be at other work: only what is slow thrice is slow.
            (bool isRefused, TimeSpan time) = Once(seed, bad.Length, read);
            for (int again = 0; again < 2 && time.TotalSeconds > 1; again++)
                time = new[] { time, Once(seed, bad.Length, read).Time }.Min();
            time.TotalSeconds.ShouldBeLessThan(1, $"mutation {seed}");
            refused += isRefused ? 1 : 0;
        }
        return refused;
    }

    private static (bool IsRefused, TimeSpan Time) Once(int seed, int length, Action read)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isRefused = false;
        try
        {
            read();
        }
        catch (AtelierException e)
        {
            isRefused = true;
            if (string.IsNullOrEmpty(e.Where) || e.ToLine().Length > 2000 || e.ToLine().Contains('\n'))
                throw new InvalidOperationException($"mutation {seed}: '{e.Message}' at '{e.Where}' is no clear error",
                    e);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"mutation {seed}: {e.GetType().Name} escaped", e);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(length + Constant, $"mutation {seed}");
        return (isRefused, watch.Elapsed);
    }

    private static byte[] SpoilBytes(byte[] good, int seed)
    {
        var random = new Random(seed);
        List<byte> bytes = [.. good];
        for (int changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            // Mostly near the beginning, where headers are.
            int at = random.Next(random.Next(3) == 0 ? bytes.Count : Math.Min(bytes.Count, 512));
            switch (random.Next(6))
            {
                case 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 3:
                    byte[] number = new byte[random.Next(2) == 0 ? 4 : 8];
                    long value = Extremes[random.Next(Extremes.Length)];
                    if (number.Length == 4)
                        BinaryPrimitives.WriteInt32LittleEndian(number, unchecked((int)value));
                    else
                        BinaryPrimitives.WriteInt64LittleEndian(number, value);
                    for (int i = 0; i < number.Length && at + i < bytes.Count; i++)
                        bytes[at + i] = number[i];
                    break;
                case 4:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
            }
        }
        return [.. bytes];
    }

    private static byte[] SpoilJson(byte[] good, int seed)
    {
        var random = new Random(seed);
        if (random.Next(3) == 0)
            return SpoilBytes(good, seed);
        string text = Encoding.UTF8.GetString(good);
        for (int changes = random.Next(1, 3); changes > 0; changes--)
        {
            // A value, or part of one, makes way for another.
            int at = random.Next(text.Length), end = at;
            while (at > 0 && text[at - 1] is not (':' or ',' or '[' or '{'))
                at--;
            while (end < text.Length && text[end] is not (',' or ']' or '}' or ':'))
                end++;
            text = text[..at] + JsonExtremes[random.Next(JsonExtremes.Length)] + text[end..];
        }
        return Encoding.UTF8.GetBytes(text);
    }
}
