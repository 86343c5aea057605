using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Tasks.Tables;

namespace Atelier.Models.Independent;

/// <summary>
/// A model of independent columns, the baseline of tables: relative frequencies for categorical columns, a normal
/// distribution for numeric columns. A model that is no better has found no dependence between columns. Safe for
/// concurrent use.
/// </summary>
public sealed class IndependentModel : ITrainedModel, IRowModel, IGenerator
{
    // [column]: for categorical columns the log-probability of each level, for numeric ones [mean, standard deviation]
    private readonly double[][] _columns;

    /// <summary>Creates a model from its parameters, as in <see cref="Columns"/>.</summary>
    internal IndependentModel(TableSchema schema, double[][] columns) => (Schema, _columns) = (schema, columns);

    /// <inheritdoc/>
    public TableSchema Schema { get; }

    /// <inheritdoc/>
    public long FreeParameters => Schema.Columns.Sum(column => column.IsNumeric ? 2L : column.Levels.Count - 1);

    /// <summary>
    /// [column]: for categorical columns the log-probability of each level, for numeric ones the mean and standard
    /// deviation.
    /// </summary>
    internal IReadOnlyList<double[]> Columns => _columns;

    /// <summary>Estimates a model from rows. Missing values are ignored.</summary>
    /// <param name="rows">The training data.</param>
    /// <param name="smoothing">The pseudo-count added to the count of each level.</param>
    public static IndependentModel Count(TableRows rows, double smoothing = 1) =>
        new(rows.Schema, [.. rows.Schema.Columns.Select((column, i) =>
            column.IsNumeric ? Normal(rows.Numbers(i)) : Levels(rows.Codes(i), column.Levels.Count, smoothing))]);

    /// <inheritdoc/>
    public double[] LogLikelihoods(TableRows rows, CancellationToken cancellation = default)
    {
        double[] sums = new double[rows.Count];
        for (int column = 0; column < _columns.Length; column++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[] table = _columns[column];
            if (Schema.Columns[column].IsNumeric)
            {
                ReadOnlySpan<double> numbers = rows.Numbers(column);
                for (int row = 0; row < sums.Length; row++)
                    sums[row] += double.IsNaN(numbers[row]) ? 0 : LogDensity(numbers[row], table[0], table[1]);
                continue;
            }
            ReadOnlySpan<int> codes = rows.Codes(column);
            for (int row = 0; row < sums.Length; row++)
                sums[row] += codes[row] < 0 ? 0 : table[codes[row]];
        }
        return sums;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(evidence: true);
        var given = request.Evidence.ToDictionary(pair => Schema.IndexOf(pair.Key), pair => pair.Value);
        await Task.Yield();
        for (int i = 0; i < request.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var random = new SplitMix64(SplitMix64.At((ulong)request.Seed, (ulong)i));
            double logProbability = 0;
            var values = new CellValue[_columns.Length];
            for (int column = 0; column < values.Length; column++)
                values[column] = Sample(column, given.GetValueOrDefault(column), ref random, ref logProbability);
            yield return new RowSample(Schema.Names, values) { LogProbability = logProbability };
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    private CellValue Sample(int column, string? given, ref SplitMix64 random, ref double logProbability)
    {
        ColumnSchema schema = Schema.Columns[column];
        double[] table = _columns[column];
        if (schema.IsNumeric)
        {
            if (given is not null && !ColumnSchema.TryNumber(given, out _))
                throw new AtelierException($"'{given}' is not a number", $"{Mention.Field("evidence")} {schema.Name}",
                    "write a number");
            double number = given is null ? table[0] + (table[1] * random.NextNormal())
                : double.Parse(given, System.Globalization.CultureInfo.InvariantCulture);
            logProbability += LogDensity(number, table[0], table[1]);
            return new CellValue(number);
        }
        int level = 0;
        if (given is null)
        {
            double left = random.NextDouble();
            while (level < table.Length - 1 && (left -= Math.Exp(table[level])) >= 0)
                level++;
        }
        else
        {
            level = schema.Code(given);
        }
        logProbability += table[level];
        return new CellValue(schema.Levels[level]);
    }

    private static double LogDensity(double number, double mean, double deviation)
    {
        double z = (number - mean) / deviation;
        return (-0.5 * z * z) - Math.Log(deviation) - (0.5 * Math.Log(Math.Tau));
    }

    private static double[] Levels(ReadOnlySpan<int> codes, int levels, double smoothing)
    {
        double[] counts = new double[levels];
        foreach (int code in codes)
        {
            if (code >= 0)
                counts[code]++;
        }
        double sum = counts.Sum() + (smoothing * levels);
        return [.. counts.Select(count => Math.Log((count + smoothing) / sum))];
    }

    private static double[] Normal(ReadOnlySpan<double> numbers)
    {
        ColumnSpread spread = ColumnSpread.Of(numbers);
        return [spread.Mean, spread.Scale];
    }
}
