using System.Globalization;
using System.IO.Compression;
using System.Text;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// Reads and writes networks in the Bayesian Interchange Format (Cozman 1998, version 0.15), which bnlearn and pgmpy
/// use too, plain or compressed with gzip.
/// </summary>
public static class BifFile
{
    private const long LargestFile = 1L << 28;

    /// <summary>
    /// Reads a network from a file in any encoding that can be detected. It accepts version 0.15 and older ones, which
    /// quote names, list parents without a bar before them, and separate numbers without commas. Properties are
    /// skipped, because they do not affect the distribution; other unknown content is an error. Rows whose sum differs
    /// from 1 by at most 0.001, as rounding causes, are normalised.
    /// </summary>
    /// <exception cref="AtelierException">The file cannot be read, is damaged, lacks a table, or has a row that does
    /// not sum to 1.</exception>
    public static DiscreteNetwork Read(string path)
    {
        var report = new ReadingReport();
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report);
        if (reader.Encoding.OrElse is { } other)
            throw new AtelierException($"could be encoded in {reader.Encoding.Name} or in {other}", path,
                "convert it to UTF-8");
        var text = new StringBuilder();
        foreach (string block in reader.Blocks())
        {
            if (text.Append(block).Length > LargestFile)
                throw new AtelierException($"is larger than {LargestFile} characters unpacked", path,
                    "provide a Bayesian network in BIF format");
        }
        return new BifReader(text.ToString(), path).Read();
    }

    /// <summary>
    /// Writes a network, compressed with gzip if the name ends in .gz. Numbers are written with enough digits to be
    /// read back exactly.
    /// </summary>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public static void Write(string path, DiscreteNetwork network) => AtomicFile.Write(path, stream =>
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Text(network));
        if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            stream.Write(bytes);
            return;
        }
        using var packed = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        packed.Write(bytes);
    });

    /// <summary>The text of a BIF file.</summary>
    public static string Text(DiscreteNetwork network)
    {
        var text = new StringBuilder("network unknown {\n}\n");
        foreach (Variable variable in network.Variables)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"variable {Word(variable.Name)} {{\n  type discrete [ {variable.States.Count} ] {{ "
                + $"{string.Join(", ", variable.States.Select(Word))} }};\n}}\n");
        }
        for (int i = 0; i < network.Variables.Count; i++)
        {
            IReadOnlyList<int> parents = network.Graph.Parents(i);
            string given = parents.Count == 0 ? ""
                : $" | {string.Join(", ", parents.Select(p => Word(network.Variables[p].Name)))}";
            text.Append(CultureInfo.InvariantCulture, $"probability ( {Word(network.Variables[i].Name)}{given} ) {{\n");
            int states = network.StatesOf(i);
            for (int row = 0; row < network.RowsOf(i); row++)
            {
                string head = parents.Count == 0 ? "table"
                    : $"({string.Join(", ", StatesAt(network, parents, row).Select(Word))})";
                IEnumerable<string> numbers = network.Table(i).Slice(row * states, states).ToArray()
                    .Select(p => p.ToString("R", CultureInfo.InvariantCulture));
                text.Append("  ").Append(head).Append(' ').AppendJoin(", ", numbers).Append(";\n");
            }
            text.Append("}\n");
        }
        return text.ToString();
    }

    /// <summary>The names of the parents' states that a row of a table belongs to.</summary>
    internal static string[] StatesAt(DiscreteNetwork network, IReadOnlyList<int> parents, int row)
    {
        var states = new string[parents.Count];
        for (int d = parents.Count - 1; d >= 0; d--)
        {
            (row, int state) = Math.DivRem(row, network.StatesOf(parents[d]));
            states[d] = network.Variables[parents[d]].States[state];
        }
        return states;
    }

    private static string Word(string name) =>
        name.Length > 0 && !name.AsSpan().ContainsAny(BifReader.Special) && !name.Any(char.IsWhiteSpace)
            && !name.Contains("//", StringComparison.Ordinal) && !name.Contains("/*", StringComparison.Ordinal)
            ? name
            : $"\"{name.Replace('"', '\'')}\"";
}
