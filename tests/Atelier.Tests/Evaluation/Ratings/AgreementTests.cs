using Atelier.Evaluation.Ratings;
using CsCheck;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class AgreementTests
{
    // Fleiss 1971, table 1: the diagnoses of 30 patients by 6 psychiatrists each
    private const string Diagnoses = """
        444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445
        333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555
        """;

    // Krippendorff 2011, section C: 4 observers and 12 units
    private static readonly string[] Observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];

    [Fact]
    public void Kappa_of_two_raters_is_that_of_Cohens_example()
    {
        // Cohen 1960, table 2
        int[][] table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]];
        var pairs = (from a in Enumerable.Range(0, 3)
                     from b in Enumerable.Range(0, 3)
                     from _ in Enumerable.Range(0, table[a][b])
                     select (a, b)).ToArray();
        Agreement.CohenKappa([.. pairs.Select(p => p.a)], (int[])[.. pairs.Select(p => p.b)])!.Value
            .ShouldBe(0.492, 0.0005);
    }

    [Fact]
    public void Kappa_of_two_raters_is_one_without_disagreement_and_undefined_without_choice()
    {
        Agreement.CohenKappa(["a", "b", "a"], (string[])["a", "b", "a"]).ShouldBe(1);
        Agreement.CohenKappa([1, 2], (int[])[2, 1]).ShouldBe(-1);
        Agreement.CohenKappa([1, 1], (int[])[1, 1]).ShouldBeNull();
        Agreement.CohenKappa<int>([], []).ShouldBeNull();
    }

    [Fact]
    public void Kappa_of_many_raters_is_that_of_Fleiss_diagnoses()
    {
        int[][] counts =
        [
            .. Diagnoses.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Select(patient => "12345".Select(c => patient.Count(d => d == c)).ToArray()),
        ];
        counts.Length.ShouldBe(30);
        Agreement.FleissKappa(counts)!.Value.ShouldBe(0.430, 0.0005);
        // of each diagnosis against all others, as R's package irr prints them
        double[] expected = [0.245, 0.245, 0.520, 0.471, 0.566];
        for (int d = 0; d < 5; d++)
        {
            int[][] against = [.. counts.Select(c => (int[])[c[d], 6 - c[d]])];
            Agreement.FleissKappa(against)!.Value.ShouldBe(expected[d], 0.0005);
        }
    }

    [Fact]
    public void Kappa_of_many_raters_is_that_of_the_well_known_example()
    {
        int[][] counts =
        [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ];
        Agreement.FleissKappa(counts)!.Value.ShouldBe(0.210, 0.0005);
    }

    [Fact]
    public void Kappa_of_many_raters_needs_the_same_number_of_raters_for_each_unit()
    {
        Should.Throw<ArgumentException>(() => Agreement.FleissKappa([[1, 2], [2, 2]]));
        Should.Throw<ArgumentException>(() => Agreement.FleissKappa([[1, 0]]));
        Agreement.FleissKappa([[0, 3], [0, 3]]).ShouldBeNull();
        Agreement.FleissKappa([[0, 3], [3, 0]]).ShouldBe(1);
        Agreement.FleissKappa([]).ShouldBeNull();
    }

    [Theory]
    [InlineData(MeasurementLevel.Nominal, 0.743)]
    [InlineData(MeasurementLevel.Ordinal, 0.815)]
    [InlineData(MeasurementLevel.Interval, 0.849)]
    public void Alpha_is_that_of_Krippendorffs_example_with_missing_values(MeasurementLevel level, double alpha) =>
        Agreement.KrippendorffAlpha(Units(Observers), level)!.Value.ShouldBe(alpha, 0.0005);

    [Theory]
    [InlineData(MeasurementLevel.Nominal, 0.691)]
    [InlineData(MeasurementLevel.Interval, 0.811)]
    public void Alpha_is_that_of_the_well_known_example_of_three_coders(MeasurementLevel level, double alpha) =>
        Agreement.KrippendorffAlpha(Units([".....34121133.3", "1.213343.......", "..21344.21133.4"]), level)!.Value
            .ShouldBe(alpha, 0.0005);

    [Fact]
    public void Alpha_is_one_without_disagreement_and_undefined_without_choice()
    {
        foreach (MeasurementLevel level in Enum.GetValues<MeasurementLevel>())
        {
            Agreement.KrippendorffAlpha([[1, 1], [2, 2], [3]], level).ShouldBe(1);
            Agreement.KrippendorffAlpha([[1, 1], [1, 1]], level).ShouldBeNull();
            Agreement.KrippendorffAlpha([[1], [2]], level).ShouldBeNull();
        }
    }

    [Fact]
    public void Alpha_does_not_depend_on_the_order_of_values_or_on_scale_and_origin()
    {
        Gen.Int[0, 9].Select(value => (double)value).Array[2, 5].Array[2, 8].Sample(units =>
        {
            foreach (MeasurementLevel level in Enum.GetValues<MeasurementLevel>())
            {
                double? alpha = Agreement.KrippendorffAlpha(units, level);
                double[][] changed =
                [
                    .. Enumerable.Reverse(units)
                        .Select(unit => Enumerable.Reverse(unit).Select(value => 7 - (2 * value)).ToArray()),
                ];
                double? other = Agreement.KrippendorffAlpha(changed, level);
                Math.Abs((alpha ?? 9) - (other ?? 9)).ShouldBeLessThan(1e-9);
                (alpha ?? 0).ShouldBeLessThanOrEqualTo(1);
            }
        }, iter: 200);
    }

    private static double[][] Units(string[] observers) =>
        [.. Enumerable.Range(0, observers[0].Length).Select(unit =>
            observers.Select(row => row[unit]).Where(c => c != '.').Select(c => (double)(c - '0')).ToArray())];
}
