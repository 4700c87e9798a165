// What is on the page depends on what it was made of.
theme.start();
Chart.defaults.font.family = "system-ui, 'DejaVu Sans', sans-serif";
Chart.defaults.font.size = 12;

const page_data = JSON.parse(document.getElementById("data").textContent);
const page_parts = page_data.sweep ? sweep_page(page_data.sweep)
  : page_data.runs.length === 1 ? run_page(page_data.runs[0]) : compare_page(page_data.runs, page_data.pair);
document.querySelector("main").append(...page_parts.filter((part) => part));
document.documentElement.dataset.ready = "true";
