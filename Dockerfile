# Tidemark itself, and the connectors that Flink's official image does not have. See docker-compose.yml.
FROM maven:3.9.11-eclipse-temurin-17 AS connectors
COPY docker/connectors.xml /connectors/pom.xml
RUN mvn -q -B -f /connectors/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory=/connectors/jars

FROM node:24.21.0-bookworm-slim
WORKDIR /tidemark
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY src ./src
COPY --from=connectors /connectors/jars /connectors
USER node
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/tidemark/src/cli/main.ts"]
