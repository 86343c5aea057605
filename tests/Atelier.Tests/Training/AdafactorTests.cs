using Atelier.Recipes;
using Atelier.Training.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>
/// Adafactor beside algorithms 4 and 5 of Shazeer and Stern (2018), in double precision by loops over rows and
/// columns.
/// </summary>
public sealed class AdafactorTests
{
    private const int Steps = 6, Rows = 4, Columns = 3;
    private const double Rate = 0.05, Decay = 0.3;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Matrices_and_vectors_take_the_steps_of_the_paper(int shards)
    {
        var random = new Random(11);
        double[] matrix = Draw(random, Rows * Columns), vector = Draw(random, Columns), tiny = new double[Columns];
        double[] rowMeans = new double[Rows], columnMeans = new double[Columns], squares = new double[Columns],
            tinySquares = new double[Columns];
        Parameter[] parameters =
        [
            new(tensor(matrix, [Rows, Columns]).to(ScalarType.Float32)),
            new(tensor(vector).to(ScalarType.Float32)),
            new(tensor(tiny).to(ScalarType.Float32)),
        ];
        var section = new OptimizerSection { Name = OptimizerName.Adafactor, WeightDecay = Decay };
        using Optimizer optimizer = Optimizer.Create(section, parameters.Select((p, i) => ($"p{i}", p)), shards);
        for (int step = 1; step <= Steps; step++)
        {
            double[][] gradients = [Draw(random, Rows * Columns), Draw(random, Columns), Draw(random, Columns)];
            optimizer.Step(
                [.. gradients.Select((g, i) => tensor(g, parameters[i].shape).to(ScalarType.Float32))], Rate);

            double kept = 1 - Math.Pow(step, -0.8);
            double[] g = gradients[0];
            for (int i = 0; i < Rows; i++)
                rowMeans[i] = (kept * rowMeans[i]) + ((1 - kept) * Enumerable.Range(0, Columns)
                    .Average(j => (g[(i * Columns) + j] * g[(i * Columns) + j]) + 1e-30));
            for (int j = 0; j < Columns; j++)
                columnMeans[j] = (kept * columnMeans[j]) + ((1 - kept) * Enumerable.Range(0, Rows)
                    .Average(i => (g[(i * Columns) + j] * g[(i * Columns) + j]) + 1e-30));
            Move(matrix, [.. g.Select((x, at) =>
                x / Math.Sqrt(rowMeans[at / Columns] * columnMeans[at % Columns] / rowMeans.Average()))], Decay);
            foreach ((double[] weights, double[] means, double[] own) in (
                (double[], double[], double[])[])[(vector, squares, gradients[1]), (tiny, tinySquares, gradients[2])])
            {
                for (int j = 0; j < Columns; j++)
                    means[j] = (kept * means[j]) + ((1 - kept) * ((own[j] * own[j]) + 1e-30));
                Move(weights, [.. own.Select((x, j) => x / Math.Sqrt(means[j]))], decay: 0);
            }
        }
        foreach ((double[] expected, Parameter parameter) in new[] { matrix, vector, tiny }.Zip(parameters))
        {
            float[] moved = parameter.detach().data<float>().ToArray();
            for (int i = 0; i < moved.Length; i++)
                ((double)moved[i]).ShouldBe(expected[i], 1e-5);
        }
        tiny.ShouldAllBe(x => x != 0); // weights of zero move too
        optimizer.State().Keys.ShouldContain("p0.exp_avg_sq_row");
        optimizer.State()["p0.exp_avg_sq_row"].numel().ShouldBe(Rows);
        optimizer.State()["p0.exp_avg_sq_col"].numel().ShouldBe(Columns);
    }

    /// <summary>Algorithm 5 with a threshold of 1, and the relative step size of section 8.</summary>
    private static void Move(double[] weights, double[] update, double decay)
    {
        double rate = Rate * Math.Max(1e-3, RootMeanSquare(weights)), scale = Math.Max(1, RootMeanSquare(update));
        for (int i = 0; i < weights.Length; i++)
            weights[i] = (weights[i] * (1 - (rate * decay))) - (rate * update[i] / scale);
    }

    private static double RootMeanSquare(double[] numbers) => Math.Sqrt(numbers.Average(x => x * x));

    private static double[] Draw(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];
}
